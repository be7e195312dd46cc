"""DMARC, each way that a record can be: with what trips the finding, and a near miss."""

import pytest

from newsletter.doctor.dmarc import dmarc, policy, walk
from newsletter.doctor.resolver import Resolver
from newsletter.findings import Finding
from tests.doctor.findings import states, told
from tests.fakes.nameserver import NameServer, Zone

HOST = "news.soup.example"
REPORTS = "rua=mailto:dmarc@soup.example"


def looked(zone: Zone, faults: dict[str, str] | None = None) -> list[Finding]:
    with NameServer(zone, faults) as server:  # type: ignore[arg-type]  # faults are literals in the tests
        return list(dmarc(HOST, Resolver(server.address, 2)))


def at(domain: str, *texts: str) -> Zone:
    return {f"_dmarc.{domain}": {"TXT": list(texts)}}


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        pytest.param(f"v=DMARC1; p=reject; {REPORTS}", ["ok"], "is refused (reject)", id="reject"),
        pytest.param(f"v=DMARC1;p=quarantine;{REPORTS};", ["ok"], "into the spam folder", id="quarantine"),
        pytest.param(f"v=DMARC1; p=none; {REPORTS}", ["note"], "only watches (p=none)", id="none"),
        pytest.param("v=DMARC1; p=reject", ["ok", "note"], "names nobody who gets reports", id="no-reports"),
        pytest.param(
            f"v=DMARC1; p=reject; pct=20; {REPORTS}", ["ok", "note"], "20 % of the mail only", id="pct"
        ),
        pytest.param(f"v=DMARC1; p=reject; pct=100; {REPORTS}", ["ok"], "is refused", id="pct-100"),
        pytest.param(f"v=DMARC1; p=reject; t=y; {REPORTS}", ["note"], "only tried out", id="tried-out"),
        pytest.param(f"v=DMARC1; p=reject; t=n; {REPORTS}", ["ok"], "is refused", id="not-tried-out"),
        pytest.param(f"v=DMARC1; p=Reject; fo=1; {REPORTS}", ["ok"], "is refused", id="case-and-unknown"),
        pytest.param(f"v=DMARC1; {REPORTS}", ["error"], "has no p=", id="no-policy"),
        pytest.param(f"v=DMARC1; p=refuse; {REPORTS}", ["error"], 'p="refuse" is not', id="no-such-policy"),
        pytest.param(f"v=DMARC1; p=reject; aspf=x; {REPORTS}", ["error"], 'aspf="x"', id="no-such-mode"),
        pytest.param("v=DMARC1; p=none; rua=dmarc@soup.example", ["error"], "write mailto:", id="no-mailto"),
        pytest.param(f"v=DMARC1; p=none; pct=lots; {REPORTS}", ["error"], 'pct="lots"', id="pct-no-number"),
        pytest.param(f"v=DMARC1; p=none, {REPORTS}", ["error", "note"], "is not understood", id="comma"),
        pytest.param("v=DMARC1; p=reject; p=none; rua=mailto:a@b.example", ["error"], "p=none", id="twice"),
        pytest.param("v=DMARC1 p=reject", ["error"], "is not read", id="no-semicolon"),
        pytest.param("p=reject; v=DMARC1", ["error"], "is not read", id="version-last"),
    ],
)
def test_a_record(text: str, expected: list[str], words: str) -> None:
    found = looked(at(HOST, text))
    assert states(found) == expected and words in told(found)


def test_none_is_a_warning_with_a_record_to_publish() -> None:
    (found,) = looked({HOST: {"A": ["192.0.2.1"]}})
    assert found.state == "warning" and "v=DMARC1; p=none; rua=mailto:" in found.fix
    (other,) = looked(at(HOST, "v=spf1 -all"))
    assert other.state == "warning" and other.what.startswith("there is none")


def test_two_records_are_none() -> None:
    (found,) = looked(at(HOST, f"v=DMARC1; p=none; {REPORTS}", f"v=DMARC1; p=reject; {REPORTS}"))
    assert found.state == "error" and "there are 2 records" in found.what


def test_a_fault_of_the_dns_is_no_missing_record() -> None:
    (found,) = looked(at(HOST, "v=DMARC1; p=none"), {f"_dmarc.{HOST}": "SERVFAIL"})
    assert found.state == "skipped" and "SERVFAIL" in found.what


def test_a_record_above_counts_with_its_policy_for_subdomains() -> None:
    (found,) = looked(at("soup.example", f"v=DMARC1; p=none; sp=reject; {REPORTS}"))
    assert found.state == "ok" and "(reject, by the record of soup.example)" in found.what
    (without,) = looked(at("soup.example", f"v=DMARC1; p=quarantine; {REPORTS}"))
    assert without.state == "ok" and "(quarantine, by the record of soup.example)" in without.what
    (own,) = looked(
        {**at("soup.example", f"v=DMARC1; p=none; {REPORTS}"), **at(HOST, f"v=DMARC1; p=reject; {REPORTS}")}
    )
    assert "(reject)" in own.what


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
        seen = walk("a.b.soup.example", Resolver(server.address, 2))
    found = policy(seen)
    assert (seen.organisation, found and found.wanted) == (organisation, wanted)


def test_the_tree_walk_asks_eight_names_at_most() -> None:
    domain = "a.b.c.d.e.f.g.h.i.soup.example"
    with NameServer({}) as server:
        walk(domain, Resolver(server.address, 2))
        asked = [name for name, _ in server.questions]
    assert asked[0] == f"_dmarc.{domain}" and asked[1] == "_dmarc.e.f.g.h.i.soup.example"
    assert (len(asked), asked[-1]) == (8, "_dmarc.example")
