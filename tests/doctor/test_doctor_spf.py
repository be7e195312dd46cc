"""Tests of the findings on SPF: each with a record that causes it and one that just does not."""

import pytest

from newsletter.doctor.resolver import Resolver
from newsletter.doctor.spf import spf
from newsletter.findings import Finding
from tests.doctor.findings import as_text, states
from tests.fakes.nameserver import NameServer, Zone

HOST = "soup.example.com"


def run_spf(zone: Zone, faults: dict[str, str] | None = None, timeout: float = 2) -> list[Finding]:
    with NameServer(zone, faults) as server:  # type: ignore[arg-type]  # faults are literals in the tests
        return list(spf(HOST, Resolver(server.address, timeout)))


def record(text: str, **more: str) -> Zone:
    """Return a zone with a record at the host, and others at `NAME.example`."""
    return {HOST: {"TXT": [text]}, **{f"{name}.example": {"TXT": [text]} for name, text in more.items()}}


@pytest.mark.parametrize(
    ("text", "state", "words"),
    [
        pytest.param("v=spf1 ip4:192.0.2.1 -all", "ok", "others are refused", id="refused"),
        pytest.param("v=spf1 ip4:192.0.2.1 ~all", "ok", "others are suspicious", id="suspicious"),
        pytest.param("V=SPF1 a MX ~ALL", "ok", "names the servers", id="case"),
        pytest.param("v=spf1 ip4:192.0.2.1 ?all", "warning", "ends with ?all", id="neutral"),
        pytest.param("v=spf1 ip4:192.0.2.1", "warning", "has no all at its end", id="no-all"),
        pytest.param("v=spf1 ip4:192.0.2.1 +all", "error", "every server in the world", id="everybody"),
        pytest.param("v=spf1 ip4:192.0.2.1 all", "error", "every server in the world", id="bare-all"),
        pytest.param("v=spf1 -all", "error", "no server may send", id="nobody"),
        pytest.param("v=spf1 -ip4:192.0.2.1 ~all", "error", "no server may send", id="only-excluded"),
        pytest.param("v=spf1 ip:192.0.2.1 -all", "error", "`ip:192.0.2.1` is not understood", id="misspelt"),
        pytest.param("v=spf1 include -all", "error", "`include` is not understood", id="include-of-nothing"),
        pytest.param("v=spf1 ip4:192.0.2.1 exp=why.example -all", "ok", "names the servers", id="modifier"),
        pytest.param("v=spf10 ip4:192.0.2.1 -all", "warning", "there is no record", id="another-version"),
    ],
)
def test_a_record(text: str, state: str, words: str) -> None:
    findings = run_spf(record(text))
    assert states(findings) == [state] and words in findings[0].what
    assert findings[0].looked_at == "SPF of soup.example.com"
    assert state == "ok" or findings[0].fix


def test_ptr_is_a_note() -> None:
    assert states(run_spf(record("v=spf1 ptr -all"))) == ["ok", "note"]


def test_no_name_no_record_no_answer_and_a_fault_are_four_things() -> None:
    nowhere = run_spf({"elsewhere.example": {"TXT": ["x"]}})
    nothing = run_spf({HOST: {"TXT": ["something else"]}})
    below = run_spf({f"mail.{HOST}": {"A": ["192.0.2.1"]}})
    fault = run_spf(record("v=spf1 -all"), {HOST: "SERVFAIL"})
    refused = run_spf(record("v=spf1 -all"), {HOST: "REFUSED"})
    silent = run_spf(record("v=spf1 -all"), {HOST: "silent"}, timeout=0.4)
    assert [states(findings) for findings in (nowhere, nothing, below)] == [
        ["error"],
        ["warning"],
        ["warning"],
    ]
    assert [states(findings) for findings in (fault, refused, silent)] == [["skipped"]] * 3
    assert "the DNS has no domain soup.example.com" in nowhere[0].what
    assert nothing[0].what.startswith("there is no record") and below[0].what.startswith("there is no record")
    assert "SERVFAIL" in fault[0].what and "REFUSED" in refused[0].what
    assert "did not answer in time" in silent[0].what


def test_two_records_are_none() -> None:
    two = {HOST: {"TXT": ["v=spf1 ip4:192.0.2.1 -all", "v=spf1 ip4:192.0.2.2 -all"]}}
    assert "there are 2 records" in as_text(run_spf(two)) and states(run_spf(two)) == ["error"]
    one = {HOST: {"TXT": ["google-site-verification=1", "v=spf1 ip4:192.0.2.1 -all"]}}
    assert states(run_spf(one)) == ["ok"]


def many(count: int) -> Zone:
    names = {f"n{number}": "v=spf1 ip4:192.0.2.1 -all" for number in range(count)}
    return record("v=spf1 " + " ".join(f"include:{name}.example" for name in names) + " -all", **names)


def test_ten_look_ups_are_enough_and_eleven_too_many() -> None:
    assert states(run_spf(many(10))) == ["ok"]
    too_many = run_spf(many(11))
    assert states(too_many) == ["error"] and "needs 11 DNS look-ups" in too_many[0].what


def test_every_kind_of_look_up_counts_also_in_what_is_included() -> None:
    inner = "v=spf1 a mx ptr exists:%{i}.list.example ip4:192.0.2.1 include:deep.example -all"
    deep = "v=spf1 a:one.example a:two.example mx:three.example -all"
    top = "v=spf1 a mx include:inner.example redirect=last.example"
    # a, mx, include; a, mx, ptr, exists, include; a, a, mx: 11, and redirect with one more: 12
    findings = run_spf(record(top, inner=inner, deep=deep, last="v=spf1 ip4:192.0.2.1 -all"))
    assert "needs 12 DNS look-ups" in as_text(findings)
    without = run_spf(record(top.replace(" redirect=last.example", " -all"), inner=inner, deep=deep[:26]))
    assert "look-ups" not in as_text(without)


def test_the_all_of_a_redirect_counts_and_that_of_an_include_does_not() -> None:
    redirect = record("v=spf1 redirect=real.example", real="v=spf1 ip4:192.0.2.1 redirect=last.example")
    assert states(run_spf({**redirect, "last.example": {"TXT": ["v=spf1 +all"]}})) == ["error"]
    included = record("v=spf1 include:real.example ~all", real="v=spf1 ip4:192.0.2.1 +all")
    assert states(run_spf(included)) == ["ok"]
    never_read = record("v=spf1 ip4:192.0.2.1 ~all redirect=gone.example")
    assert states(run_spf(never_read)) == ["ok"]


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        pytest.param("include:gone.nowhere -all", {}, "that domain does not exist", id="no-domain"),
        pytest.param("include:a.example -all", {"a": "hello"}, "it has no SPF record", id="no-record"),
        pytest.param("redirect=gone.nowhere", {}, "`redirect` names gone.nowhere", id="redirect"),
        pytest.param(
            "include:a.example -all",
            {"a": "v=spf1 include:b.example -all", "b": "v=spf1 include:a.example -all"},
            "includes a.example in a circle",
            id="circle",
        ),
        pytest.param(f"include:{HOST} -all", {}, f"includes {HOST} in a circle", id="itself"),
    ],
)
def test_an_include_that_leads_nowhere(text: str, more: dict[str, str], words: str) -> None:
    findings = run_spf(record(f"v=spf1 {text}", **more))
    assert states(findings) == ["error"] and words in findings[0].what


def test_an_include_that_two_share_is_no_circle() -> None:
    shared = {"a": "v=spf1 include:c.example -all", "b": "v=spf1 include:c.example -all"}
    zone = record("v=spf1 include:a.example include:b.example -all", **shared, c="v=spf1 ip4:192.0.2.1 -all")
    assert states(run_spf(zone)) == ["ok"]


def test_an_include_that_does_not_answer_leaves_the_rest_open() -> None:
    zone = record("v=spf1 ip4:192.0.2.1 include:a.example -all", a="v=spf1 -all")
    findings = run_spf(zone, {"a.example": "SERVFAIL"})
    assert states(findings) == ["skipped"] and "include of a.example" in findings[0].what


def test_a_macro_is_counted_and_not_followed() -> None:
    findings = run_spf(record("v=spf1 include:%{ir}.spf.example -all"))
    assert states(findings) == ["ok", "note"] and "macro" in findings[1].what


def test_a_long_record_in_pieces_is_one() -> None:
    text = "v=spf1 " + " ".join(f"ip4:192.0.2.{number}" for number in range(1, 60)) + " -all"
    assert len(text) > 500 and states(run_spf(record(text))) == ["ok"]
