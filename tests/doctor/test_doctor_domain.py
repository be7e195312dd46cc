"""DKIM records as the provider names them, alignment, and the DNS itself."""

import pytest

from newsletter.doctor.dkim import dkim
from newsletter.doctor.domain import alignment, domain
from newsletter.doctor.resolver import PATIENCE, Resolver, parsed
from newsletter.findings import DnsRecord, Finding, ProviderReport, SenderDomain
from tests.doctor.findings import only, states, told
from tests.fakes.nameserver import NameServer, Zone

HOST = "soup.example"
CNAME = DnsRecord("DKIM key", "cname", "s1._domainkey.soup.example", "s1.domainkey.u7.mail.example.")
MAIL = DnsRecord("return path", "cname", "em7.soup.example", "u7.mail.example")
KEY = DnsRecord("DKIM key", "txt", "m1._domainkey.soup.example", "k=rsa; t=s; p=MIGf" + "A" * 300)
MX = DnsRecord("return path", "mx", "em7.soup.example", "mx.mail.example.")
SPF = DnsRecord("SPF", "txt", "em7.soup.example", "v=spf1 include:mail.example ~all")


def looked(record: DnsRecord, zone: Zone, faults: dict[str, str] | None = None) -> Finding:
    examined = ProviderReport((), sender=SenderDomain(HOST, (record,)))
    with NameServer(zone, faults) as server:  # type: ignore[arg-type]  # faults are literals in the tests
        (found,) = dkim(HOST, examined, Resolver(server.address, 2))
    return found


def alias(to: str, *keys: str) -> Zone:
    return {CNAME.host: {"CNAME": [to]}, to.rstrip(".").lower(): {"TXT": list(keys)}}


TARGET = "s1.domainkey.u7.mail.example."


@pytest.mark.parametrize(
    ("record", "zone", "state", "words"),
    [
        pytest.param(CNAME, alias(TARGET, "k=rsa; p=MIGf"), "ok", "as the provider wants it", id="alias"),
        pytest.param(CNAME, alias(TARGET.upper(), "p=MIGf"), "ok", "leads to s1.domainkey", id="case"),
        pytest.param(CNAME, alias("s1.other.example.", "p=MIGf"), "error", "is another one", id="elsewhere"),
        pytest.param(CNAME, {"soup.example": {"TXT": ["x"]}}, "error", "no such name", id="no-name"),
        pytest.param(CNAME, {CNAME.host: {"A": ["192.0.2.1"]}}, "error", "no CNAME record", id="proxied"),
        pytest.param(CNAME, alias(TARGET, "k=rsa; p="), "error", "it was revoked", id="revoked"),
        pytest.param(CNAME, alias(TARGET, "hello"), "error", "there is no key", id="no-key"),
        pytest.param(KEY, {KEY.host: {"TXT": [KEY.data]}}, "ok", "is there", id="key"),
        pytest.param(
            KEY, {KEY.host: {"TXT": [KEY.data.replace(" ", "") + ";"]}}, "ok", "is there", id="key-squeezed"
        ),
        pytest.param(KEY, {KEY.host: {"TXT": ["k=rsa; p=MIGfB"]}}, "error", "is another", id="another-key"),
        pytest.param(MX, {MX.host: {"MX": ["10 mx.mail.example."]}}, "ok", "is there", id="mx"),
        pytest.param(MX, {MX.host: {"MX": ["10 mx.other.example."]}}, "error", "is another", id="another-mx"),
        pytest.param(SPF, {SPF.host: {"TXT": ["note", SPF.data]}}, "ok", "is there", id="spf"),
        pytest.param(SPF, {SPF.host: {"TXT": ["v=spf1 -all"]}}, "error", "is another", id="another-spf"),
        pytest.param(MAIL, {MAIL.host: {"CNAME": ["u7.mail.example."]}}, "ok", "leads to u7", id="mail"),
    ],
)
def test_a_record_that_the_provider_wants(record: DnsRecord, zone: Zone, state: str, words: str) -> None:
    found = looked(record, zone)
    assert found.state == state and words in found.what
    assert found.looked_at == f"{record.use} {record.host}"
    if "another" in words or "no such name" in words or "no CNAME" in words:
        assert found.fix == f"publish: {record.host} {record.type.upper()} {record.data}"


def test_a_record_that_nobody_answers_for_is_not_a_wrong_one() -> None:
    found = looked(CNAME, alias(TARGET, "p=MIGf"), {CNAME.host: "SERVFAIL"})
    assert found.state == "skipped" and "SERVFAIL" in found.what
    target = looked(CNAME, alias(TARGET, "p=MIGf"), {CNAME.host: "silent"})
    assert target.state == "skipped" and "in time" in target.what


@pytest.mark.parametrize("examined", [None, ProviderReport((), "soup.example")], ids=["none", "no-domain"])
def test_selectors_are_never_guessed(examined: ProviderReport | None) -> None:
    with NameServer({}) as server:
        (found,) = dkim(HOST, examined, Resolver(server.address, 2))
        assert server.questions == []
    assert (
        found.state == "skipped" and "news send --to ADDRESS" in found.fix and "d=soup.example" in found.fix
    )


def policy_of(name: str, text: str) -> Zone:
    return {f"_dmarc.{name}": {"TXT": [text]}}


def aligned(zone: Zone, return_path: str | None, signed: str | None, sender: str = HOST) -> Finding:
    examined = ProviderReport((), return_path, SenderDomain(signed, ()) if signed else None)
    with NameServer(zone) as server:
        (found,) = alignment(sender, examined, Resolver(server.address, 2))
    return found


REJECT, STRICT = "v=DMARC1; p=reject", "v=DMARC1; p=reject; aspf=s; adkim=s"


@pytest.mark.parametrize(
    ("zone", "return_path", "signed", "state", "words"),
    [
        pytest.param({}, HOST, HOST, "ok", "return path is of soup.example and the DKIM", id="both"),
        pytest.param({}, "em7.soup.example", HOST, "ok", "return path is of em7.soup.example", id="below"),
        pytest.param(policy_of(HOST, REJECT), "em7.soup.example", None, "ok", "nothing is known", id="spf"),
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
    found = aligned(zone, return_path, signed)
    assert found.state == state and words in found.what


def test_alignment_goes_by_the_organisation_that_records_make() -> None:
    zone = policy_of("soup.example", REJECT)
    assert aligned(zone, None, "mail.soup.example", "news.soup.example").state == "ok"
    parted = {**zone, **policy_of("news.soup.example", "v=DMARC1; p=reject; psd=n")}
    assert aligned(parted, None, "mail.soup.example", "news.soup.example").state == "error"


def test_all_of_it_for_a_domain_that_is_well() -> None:
    zone = {
        **alias(TARGET, "k=rsa; p=MIGf"),
        MAIL.host: {"CNAME": ["u7.mail.example."]},
        "u7.mail.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
        **policy_of(HOST, "v=DMARC1; p=reject; rua=mailto:dmarc@soup.example"),
    }
    examined = ProviderReport((), MAIL.host, SenderDomain(HOST, (MAIL, CNAME)))
    with NameServer(zone) as server:
        found = list(domain(HOST, examined, Resolver(server.address, 2)))
        assert len(server.questions) == len(set(server.questions)), "each question is asked once"
    assert states(found) == ["ok"] * 5, told(found)
    assert [one.looked_at.split()[0] for one in found] == ["SPF", "return", "DKIM", "DMARC", "alignment"]


def test_without_the_providers_word_spf_is_not_looked_at() -> None:
    with NameServer(policy_of(HOST, REJECT)) as server:
        found = list(domain(HOST, None, Resolver(server.address, 2)))
    assert [one.looked_at for one in found if one.state == "skipped"] == [
        "SPF",
        "DKIM",
        f"alignment with {HOST}",
    ]
    assert only(found, "ok").looked_at == f"DMARC of {HOST}"


def test_a_dns_that_never_answers_costs_two_waits_and_no_more() -> None:
    names = [HOST, f"_dmarc.{HOST}", "_dmarc.example", CNAME.host]
    examined = ProviderReport((), HOST, SenderDomain(HOST, (CNAME, MAIL)))
    with NameServer({}, dict.fromkeys(names, "silent")) as server:
        found = list(domain(HOST, examined, Resolver(server.address, 0.4)))
        assert len(set(server.questions)) == PATIENCE, "no more names are asked"
    assert states(found) == ["skipped"] * 5
    assert "did not answer before either" in found[-1].what


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
    ("given", "meant"),
    [
        pytest.param("192.0.2.1", ("192.0.2.1", 53), id="address"),
        pytest.param("192.0.2.1:5353", ("192.0.2.1", 5353), id="port"),
        pytest.param("2001:db8::1", ("2001:db8::1", 53), id="ipv6"),
        pytest.param("[2001:db8::1]:5353", ("2001:db8::1", 5353), id="ipv6-port"),
        pytest.param("[2001:db8::1]", ("2001:db8::1", 53), id="ipv6-brackets"),
    ],
)
def test_a_nameserver_is_understood(given: str, meant: tuple[str, int]) -> None:
    assert parsed(given) == meant


@pytest.mark.parametrize("given", ["", "dns.example", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:x", ":53"])
def test_what_is_no_nameserver_is_refused(given: str) -> None:
    with pytest.raises(ValueError):
        parsed(given)
