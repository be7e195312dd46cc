"""Tests of the findings on DKIM and alignment, and of the DNS resolver."""

import pytest

from newsletter.doctor.dkim import dkim
from newsletter.doctor.domain import alignment, domain
from newsletter.doctor.resolver import MAX_CONSECUTIVE_TIMEOUTS, Resolver, parse_nameserver
from newsletter.findings import DnsRecord, Finding, ProviderReport, SenderDomain
from tests.doctor.findings import as_text, only, states
from tests.fakes.nameserver import NameServer, Zone

HOST = "soup.example"
CNAME = DnsRecord("DKIM key", "cname", "s1._domainkey.soup.example", "s1.domainkey.u7.mail.example.")
MAIL = DnsRecord("return path", "cname", "em7.soup.example", "u7.mail.example")
KEY = DnsRecord("DKIM key", "txt", "m1._domainkey.soup.example", "k=rsa; t=s; p=MIGf" + "A" * 300)
MX = DnsRecord("return path", "mx", "em7.soup.example", "mx.mail.example.")
SPF = DnsRecord("SPF", "txt", "em7.soup.example", "v=spf1 include:mail.example ~all")


def run_dkim(record: DnsRecord, zone: Zone, faults: dict[str, str] | None = None) -> Finding:
    examined = ProviderReport((), sender=SenderDomain(HOST, (record,)))
    with NameServer(zone, faults) as server:  # type: ignore[arg-type]  # faults are literals in the tests
        (finding,) = dkim(HOST, examined, Resolver(server.address, 2))
    return finding


def alias(to: str, *keys: str) -> Zone:
    return {CNAME.host: {"CNAME": [to]}, to.rstrip(".").lower(): {"TXT": list(keys)}}


TARGET = "s1.domainkey.u7.mail.example."


@pytest.mark.parametrize(
    ("record", "zone", "state", "words"),
    [
        pytest.param(CNAME, alias(TARGET, "k=rsa; p=MIGf"), "ok", "as the provider asks", id="alias"),
        pytest.param(CNAME, alias(TARGET.upper(), "p=MIGf"), "ok", "points to s1.domainkey", id="case"),
        pytest.param(
            CNAME, alias("s1.other.example.", "p=MIGf"), "error", "differs from the record", id="elsewhere"
        ),
        pytest.param(CNAME, {"soup.example": {"TXT": ["x"]}}, "error", "no such name", id="no-name"),
        pytest.param(CNAME, {CNAME.host: {"A": ["192.0.2.1"]}}, "error", "no CNAME record", id="proxied"),
        pytest.param(CNAME, alias(TARGET, "k=rsa; p="), "error", "it was revoked", id="revoked"),
        pytest.param(CNAME, alias(TARGET, "hello"), "error", "which has no key", id="no-key"),
        pytest.param(KEY, {KEY.host: {"TXT": [KEY.data]}}, "ok", "exists", id="key"),
        pytest.param(
            KEY, {KEY.host: {"TXT": [KEY.data.replace(" ", "") + ";"]}}, "ok", "exists", id="key-squeezed"
        ),
        pytest.param(KEY, {KEY.host: {"TXT": ["k=rsa; p=MIGfB"]}}, "error", "differs from", id="another-key"),
        pytest.param(MX, {MX.host: {"MX": ["10 mx.mail.example."]}}, "ok", "exists", id="mx"),
        pytest.param(
            MX, {MX.host: {"MX": ["10 mx.other.example."]}}, "error", "differs from", id="another-mx"
        ),
        pytest.param(SPF, {SPF.host: {"TXT": ["note", SPF.data]}}, "ok", "exists", id="spf"),
        pytest.param(SPF, {SPF.host: {"TXT": ["v=spf1 -all"]}}, "error", "differs from", id="another-spf"),
        pytest.param(MAIL, {MAIL.host: {"CNAME": ["u7.mail.example."]}}, "ok", "points to u7", id="mail"),
    ],
)
def test_a_record_that_the_provider_wants(record: DnsRecord, zone: Zone, state: str, words: str) -> None:
    finding = run_dkim(record, zone)
    assert finding.state == state and words in finding.what
    assert finding.looked_at == f"{record.use} {record.host}"
    if "differs" in words or "no such name" in words or "no CNAME" in words:
        assert finding.fix == f"publish: {record.host} {record.type.upper()} {record.data}"


def test_a_record_that_nobody_answers_for_is_not_a_wrong_one() -> None:
    finding = run_dkim(CNAME, alias(TARGET, "p=MIGf"), {CNAME.host: "SERVFAIL"})
    assert finding.state == "skipped" and "SERVFAIL" in finding.what
    target = run_dkim(CNAME, alias(TARGET, "p=MIGf"), {CNAME.host: "silent"})
    assert target.state == "skipped" and "in time" in target.what


@pytest.mark.parametrize("examined", [None, ProviderReport((), "soup.example")], ids=["none", "no-domain"])
def test_selectors_are_never_guessed(examined: ProviderReport | None) -> None:
    with NameServer({}) as server:
        (finding,) = dkim(HOST, examined, Resolver(server.address, 2))
        assert server.questions == []
    assert (
        finding.state == "skipped"
        and "news send --to ADDRESS" in finding.fix
        and "d=soup.example" in finding.fix
    )


def policy_of(name: str, text: str) -> Zone:
    return {f"_dmarc.{name}": {"TXT": [text]}}


def aligned(zone: Zone, return_path: str | None, signed: str | None, sender: str = HOST) -> Finding:
    examined = ProviderReport((), return_path, SenderDomain(signed, ()) if signed else None)
    with NameServer(zone) as server:
        (finding,) = alignment(sender, examined, Resolver(server.address, 2))
    return finding


REJECT, STRICT = "v=DMARC1; p=reject", "v=DMARC1; p=reject; aspf=s; adkim=s"


@pytest.mark.parametrize(
    ("zone", "return_path", "signed", "state", "words"),
    [
        pytest.param({}, HOST, HOST, "ok", "return path is at soup.example and the DKIM", id="both"),
        pytest.param({}, "em7.soup.example", HOST, "ok", "return path is at em7.soup.example", id="below"),
        pytest.param(policy_of(HOST, REJECT), "em7.soup.example", None, "ok", "is not known here", id="spf"),
        pytest.param(policy_of(HOST, STRICT), "em7.soup.example", HOST, "ok", "the DKIM", id="strict-dkim"),
        pytest.param(
            policy_of(HOST, STRICT), "em7.soup.example", "mail.example", "error", "(reject)", id="strict-spf"
        ),
        pytest.param({}, "mail.example", "mail.example", "warning", "DMARC fails", id="neither"),
        pytest.param(policy_of(HOST, REJECT), "mail.example", "mail.example", "error", "own mail", id="hits"),
        pytest.param(
            policy_of(HOST, REJECT), "mail.example", None, "warning", "unless a DKIM", id="unsigned"
        ),
        pytest.param({}, None, None, "skipped", "not known", id="nothing-known"),
        pytest.param({}, "notsoup.example", None, "warning", "DMARC fails", id="only-looks-alike"),
    ],
)
def test_alignment(zone: Zone, return_path: str | None, signed: str | None, state: str, words: str) -> None:
    finding = aligned(zone, return_path, signed)
    assert finding.state == state and words in finding.what


def test_alignment_goes_by_the_organisation_that_records_make() -> None:
    zone = policy_of("soup.example", REJECT)
    assert aligned(zone, None, "mail.soup.example", "news.soup.example").state == "ok"
    split = {**zone, **policy_of("news.soup.example", "v=DMARC1; p=reject; psd=n")}
    assert aligned(split, None, "mail.soup.example", "news.soup.example").state == "error"


def test_all_of_it_for_a_domain_that_is_well() -> None:
    zone = {
        **alias(TARGET, "k=rsa; p=MIGf"),
        MAIL.host: {"CNAME": ["u7.mail.example."]},
        "u7.mail.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
        **policy_of(HOST, "v=DMARC1; p=reject; rua=mailto:dmarc@soup.example"),
    }
    examined = ProviderReport((), MAIL.host, SenderDomain(HOST, (MAIL, CNAME)))
    with NameServer(zone) as server:
        findings = list(domain(HOST, examined, Resolver(server.address, 2)))
        assert len(server.questions) == len(set(server.questions)), "each question is asked once"
    assert states(findings) == ["ok"] * 5, as_text(findings)
    assert [finding.looked_at.split()[0] for finding in findings] == [
        "SPF",
        "return",
        "DKIM",
        "DMARC",
        "alignment",
    ]


def test_without_the_providers_word_spf_is_not_looked_at() -> None:
    with NameServer(policy_of(HOST, REJECT)) as server:
        findings = list(domain(HOST, None, Resolver(server.address, 2)))
    assert [finding.looked_at for finding in findings if finding.state == "skipped"] == [
        "SPF",
        "DKIM",
        f"alignment with {HOST}",
    ]
    assert only(findings, "ok").looked_at == f"DMARC of {HOST}"


def test_a_dns_that_never_answers_costs_two_waits_and_no_more() -> None:
    names = [HOST, f"_dmarc.{HOST}", "_dmarc.example", CNAME.host]
    examined = ProviderReport((), HOST, SenderDomain(HOST, (CNAME, MAIL)))
    with NameServer({}, dict.fromkeys(names, "silent")) as server:
        findings = list(domain(HOST, examined, Resolver(server.address, 0.4)))
        assert len(set(server.questions)) == MAX_CONSECUTIVE_TIMEOUTS, "no more names are asked"
    assert states(findings) == ["skipped"] * 5
    assert "did not answer the questions before" in findings[-1].what


def test_a_late_answer_is_none_and_another_name_still_answers() -> None:
    zone = {"late.example": {"TXT": ["x"]}, "fast.example": {"TXT": ["y"]}}
    with NameServer(zone, {"late.example": "late"}) as server:
        resolver = Resolver(server.address, 0.4)
        assert resolver.ask("late.example", "TXT").state == "unanswered"
    with NameServer(zone) as server:
        assert Resolver(server.address, 2).ask("late.example.", "TXT").records == ("x",)


def test_nobody_at_the_address_is_told() -> None:
    with NameServer({}) as server:
        address = server.address
    assert Resolver(address, 0.4).ask(HOST, "TXT").state == "unanswered"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("192.0.2.1", ("192.0.2.1", 53), id="address"),
        pytest.param("192.0.2.1:5353", ("192.0.2.1", 5353), id="port"),
        pytest.param("2001:db8::1", ("2001:db8::1", 53), id="ipv6"),
        pytest.param("[2001:db8::1]:5353", ("2001:db8::1", 5353), id="ipv6-port"),
        pytest.param("[2001:db8::1]", ("2001:db8::1", 53), id="ipv6-brackets"),
    ],
)
def test_a_nameserver_is_understood(text: str, expected: tuple[str, int]) -> None:
    assert parse_nameserver(text) == expected


@pytest.mark.parametrize("text", ["", "dns.example", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:x", ":53"])
def test_what_is_no_nameserver_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_nameserver(text)
