"""Tests of the findings on DMARC: each with a record that causes it and one that just does not."""

import pytest

from newsletter.doctor.dmarc import dmarc, policy, walk
from newsletter.doctor.resolver import Resolver
from newsletter.findings import Finding
from tests.doctor.findings import as_text, states
from tests.fakes.nameserver import NameServer, Zone

HOST = "news.soup.example"
REPORTS = "rua=mailto:dmarc@soup.example"


def run_dmarc(zone: Zone, faults: dict[str, str] | None = None) -> list[Finding]:
    with NameServer(zone, faults) as server:  # type: ignore[arg-type]  # faults are literals in the tests
        return list(dmarc(HOST, Resolver(server.address, 2)))


def at(domain: str, *texts: str) -> Zone:
    return {f"_dmarc.{domain}": {"TXT": list(texts)}}


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        pytest.param(f"v=DMARC1; p=reject; {REPORTS}", ["ok"], "is refused (reject)", id="reject"),
        pytest.param(f"v=DMARC1;p=quarantine;{REPORTS};", ["ok"], "into the spam folder", id="quarantine"),
        pytest.param(f"v=DMARC1; p=none; {REPORTS}", ["note"], "only collects reports (p=none)", id="none"),
        pytest.param("v=DMARC1; p=reject", ["ok", "note"], "names no address for reports", id="no-reports"),
        pytest.param(
            f"v=DMARC1; p=reject; pct=20; {REPORTS}", ["ok", "note"], "20 % of the mail only", id="pct"
        ),
        pytest.param(f"v=DMARC1; p=reject; pct=100; {REPORTS}", ["ok"], "is refused", id="pct-100"),
        pytest.param(f"v=DMARC1; p=reject; t=y; {REPORTS}", ["note"], "only as a test", id="tried-out"),
        pytest.param(f"v=DMARC1; p=reject; t=n; {REPORTS}", ["ok"], "is refused", id="not-tried-out"),
        pytest.param(f"v=DMARC1; p=Reject; fo=1; {REPORTS}", ["ok"], "is refused", id="case-and-unknown"),
        pytest.param(f"v=DMARC1; {REPORTS}", ["error"], "has no p=", id="no-policy"),
        pytest.param(
            f"v=DMARC1; p=refuse; {REPORTS}", ["error"], 'p="refuse" is not valid', id="no-such-policy"
        ),
        pytest.param(f"v=DMARC1; p=reject; aspf=x; {REPORTS}", ["error"], 'aspf="x"', id="no-such-mode"),
        pytest.param("v=DMARC1; p=none; rua=dmarc@soup.example", ["error"], "write mailto:", id="no-mailto"),
        pytest.param(f"v=DMARC1; p=none; pct=lots; {REPORTS}", ["error"], 'pct="lots"', id="pct-no-number"),
        pytest.param(f"v=DMARC1; p=none, {REPORTS}", ["error", "note"], "is not valid", id="comma"),
        pytest.param(f"v=DMARC1; p=reject; p=none; {REPORTS}", ["error"], "each once", id="twice"),
        pytest.param("v=DMARC1 p=reject", ["error"], "is not a DMARC record", id="no-semicolon"),
        pytest.param("p=reject; v=DMARC1", ["error"], "is not a DMARC record", id="version-last"),
    ],
)
def test_a_record(text: str, expected: list[str], words: str) -> None:
    findings = run_dmarc(at(HOST, text))
    assert states(findings) == expected and words in as_text(findings)


def test_none_is_a_warning_with_a_record_to_publish() -> None:
    (finding,) = run_dmarc({HOST: {"A": ["192.0.2.1"]}})
    assert finding.state == "warning" and "v=DMARC1; p=none; rua=mailto:" in finding.fix
    (other,) = run_dmarc(at(HOST, "v=spf1 -all"))
    assert other.state == "warning" and other.what.startswith("there is no record")


def test_two_records_are_none() -> None:
    (finding,) = run_dmarc(at(HOST, f"v=DMARC1; p=none; {REPORTS}", f"v=DMARC1; p=reject; {REPORTS}"))
    assert finding.state == "error" and "there are 2 records" in finding.what


def test_a_fault_of_the_dns_is_no_missing_record() -> None:
    (finding,) = run_dmarc(at(HOST, "v=DMARC1; p=none"), {f"_dmarc.{HOST}": "SERVFAIL"})
    assert finding.state == "skipped" and "SERVFAIL" in finding.what


def test_a_record_above_counts_with_its_policy_for_subdomains() -> None:
    (finding,) = run_dmarc(at("soup.example", f"v=DMARC1; p=none; sp=reject; {REPORTS}"))
    assert finding.state == "ok" and "(reject, by the record of soup.example)" in finding.what
    (without,) = run_dmarc(at("soup.example", f"v=DMARC1; p=quarantine; {REPORTS}"))
    assert without.state == "ok" and "(quarantine, by the record of soup.example)" in without.what
    (direct,) = run_dmarc(
        {**at("soup.example", f"v=DMARC1; p=none; {REPORTS}"), **at(HOST, f"v=DMARC1; p=reject; {REPORTS}")}
    )
    assert "(reject)" in direct.what


@pytest.mark.parametrize(
    ("zone", "organisation", "wanted"),
    [
        pytest.param({}, "a.b.soup.example", None, id="nothing"),
        pytest.param(at("soup.example", "v=DMARC1; p=reject"), "soup.example", "reject", id="above"),
        pytest.param(
            {**at("b.soup.example", "v=DMARC1; p=none"), **at("soup.example", "v=DMARC1; p=reject")},
            "soup.example",
            "reject",
            id="the-highest",
        ),
        pytest.param(
            {**at("b.soup.example", "v=DMARC1; p=none; psd=n"), **at("soup.example", "v=DMARC1; p=reject")},
            "b.soup.example",
            "none",
            id="psd-n",
        ),
        pytest.param(
            {**at("soup.example", "v=DMARC1; p=none"), **at("example", "v=DMARC1; p=reject; psd=y")},
            "soup.example",
            "none",
            id="psd-y",
        ),
    ],
)
def test_the_tree_walk(zone: Zone, organisation: str, wanted: str | None) -> None:
    with NameServer(zone) as server:
        walked = walk("a.b.soup.example", Resolver(server.address, 2))
    published = policy(walked)
    assert (walked.organisation, published and published.wanted) == (organisation, wanted)


def test_the_tree_walk_asks_eight_names_at_most() -> None:
    domain = "a.b.c.d.e.f.g.h.i.soup.example"
    with NameServer({}) as server:
        walk(domain, Resolver(server.address, 2))
        asked = [name for name, _ in server.questions]
    assert asked[0] == f"_dmarc.{domain}" and asked[1] == "_dmarc.e.f.g.h.i.soup.example"
    assert (len(asked), asked[-1]) == (8, "_dmarc.example")
