"""Test that no mail tracks its reader: every byte submitted to each provider is searched for tracking."""

import json
import quopri
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from newsletter.checks import runner
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.config.provider_facts import TRACKING_PROVIDERS
from newsletter.issue import files
from newsletter.mail import message
from newsletter.render.model import Rendered
from newsletter.render.page_address import page_of
from newsletter.render.pipeline import render
from tests import samples
from tests.fakes.mailgun import parse_form
from tests.providers.test_contract import PEOPLE, PROVIDERS, submit

REPOSITORY = Path(__file__).parent.parent
REMOTE = re.compile(
    r"""<(?:img|script|iframe|link|object|embed|video|audio|source|input)\b[^>]*?(?:src|href|data)\s*=\s*["']?\s*(?:https?:)?//[^"'\s>]*"""
    r"""|@import\b[^;]*|@font-face\b|url\(\s*["']?(?:https?:)?//[^)]*|\bbackground\s*=\s*["']?(?:https?:)?//[^"'\s>]*""",
    re.IGNORECASE,
)
MAILGUN_SWITCHES = ("o:tracking", "o:tracking-opens", "o:tracking-clicks")
# The start of a request to SES, as the contract writes it: its message follows in the next line.
SES = b'{"FromEmailAddress"'
POSTMARK_SWITCHES = {"TrackOpens": False, "TrackLinks": "None"}
HREF = re.compile(r"""href\s*=\s*["']([^"']*)["']""", re.IGNORECASE)


def decode(wire: bytes) -> str:
    """Return the bytes submitted without their transfer encoding: MIME, a JSON request or a form."""
    if wire.startswith(SES):
        request, _, wire = wire.partition(b"\n")
        return "\n".join([*strings(json.loads(request)), decode(wire)])
    if wire.startswith((b"{", b"[")):
        return "\n".join(strings(json.loads(wire)))
    if wire.startswith(b"--"):
        return decode_form(parse_form(wire))
    return quopri.decodestring(wire).decode("utf-8")


def decode_form(fields: dict[str, list[str]]) -> str:
    """Return the values of a form of Mailgun's, with the values of each recipient's variables in them."""
    whole = "\n".join(value for name, values in fields.items() for value in values if name[:2] != "o:")
    people = json.loads(fields["recipient-variables"][0]).values()
    return "\n".join(
        re.sub(r"%recipient\.(\w+)%", lambda word, values=values: str(values[word[1]]), whole)
        for values in people
    )


def strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def find_trackers(wire: bytes, links: set[str]) -> list[str]:
    """Return everything in these bytes that could report an opened mail or a followed link."""
    text = decode(wire)
    trackers = [hit[0] for hit in REMOTE.finditer(text)]
    trackers += [href for href in HREF.findall(text) if href.replace("&amp;", "&") not in links]
    trackers += [word for word in ("utm_", "sendgrid.net") if word in stripped(text, links)]
    if wire.startswith(SES):
        trackers += ses_switches(json.loads(wire.partition(b"\n")[0]))
    elif wire.startswith(b"{"):
        settings = json.loads(wire).get("tracking_settings", {"missing": True})
        trackers += [f"{name}: {value}" for name, value in switches(settings) if value is not False]
        if len(settings) != 4:
            trackers.append(f"tracking_settings {sorted(settings)}")
    if wire.startswith(b'[{"From":'):  # Postmark's; those of Resend are in small letters
        found = [{name: sent.get(name) for name in POSTMARK_SWITCHES} for sent in json.loads(wire)]
        trackers += [f"{switches}" for switches in found if switches != POSTMARK_SWITCHES]
    if wire.startswith(b"--"):
        fields = parse_form(wire)
        found = {name: fields.get(name) for name in MAILGUN_SWITCHES}
        trackers += [f"{name}: {value}" for name, value in found.items() if value != ["no"]]
    return trackers


def ses_switches(request: dict[str, Any]) -> Iterator[str]:
    """Yield each kind of tracking that a request to SES does not switch off."""
    overrides = request.get("ConfigurationOverrides", {}).get("Tracking", {})
    for kind in ("OpenTrackingEnabled", "ClickTrackingEnabled"):
        if overrides.get(kind) != "DISABLED":
            yield f"{kind}: {overrides.get(kind)}"


def switches(settings: object, name: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(settings, dict):
        for key, value in settings.items():
            yield from switches(value, f"{name}.{key}")
    else:
        yield name, settings


def stripped(text: str, links: set[str]) -> str:
    """Remove the permitted text: the links, the settings' names, and the promise in the footer."""
    for known in sorted(links, key=len, reverse=True):
        text = text.replace(known, "")
    return re.sub(r"(?:click_|open_|subscription_)tracking|tracking_settings", "", text)


def editors_links(issue: files.Issue) -> set[str]:
    """Return all URLs that the editor wrote."""
    links = {story.link for story in issue.stories}
    links |= {link.link for story in issue.stories for link in story.links}
    texts = [p.text for p in (*issue.opening, *issue.closing)]
    texts += [p.text for story in issue.stories for p in story.passages]
    return links | {url for text in texts for url in re.findall(r"\]\((\S+?)\)", text)}


def submit_and_read(name: str, mailing: message.Mailing, folder: Path) -> list[bytes]:
    with PROVIDERS[name](folder) as ready:
        submit(ready, mailing, PEOPLE)
        wire = ready.wire()
        ready.provider.close()
    assert len(wire) >= 1
    return wire


def real_issue() -> tuple[files.Issue, message.Mailing]:
    newsletter = loader.load(REPOSITORY, {})
    issue = files.load(REPOSITORY / "issues" / "2026-04-27.yml")
    return issue, replace(
        message.mailing(issue, render(issue, newsletter.site), newsletter), date=samples.NOW
    )


def permitted_links(issue: files.Issue, mailing: message.Mailing) -> set[str]:
    link = mailing.value("unsubscribe_url")
    links = {link(recipient) for recipient in samples.batch(mailing, *PEOPLE).recipients}
    page = page_of(issue, loader.load(REPOSITORY, {}).site)
    assert page == "https://papers.example.com/2026-04-27/"  # the same for every reader
    return editors_links(issue) | links | {"[[unsubscribe_url]]", page}


@pytest.mark.parametrize("name", PROVIDERS)
def test_nothing_watches_the_reader(name: str, tmp_path: Path) -> None:
    issue, mailing = real_issue()
    for wire in submit_and_read(name, mailing, tmp_path):
        assert find_trackers(wire, permitted_links(issue, mailing)) == []


PLANTED = [
    pytest.param('<img src="https://example.com/o.gif" width="1" height="1" alt="" />', id="pixel"),
    pytest.param('<img alt="" src=//example.com/o.gif>', id="pixel-without-quotes"),
    pytest.param('<a href="https://click.example.com/?u=https://arxiv.org">x</a>', id="rewritten-link"),
    pytest.param("<style>@import 'https://example.com/font.css';</style>", id="import"),
    pytest.param("<style>@font-face { font-family: X }</style>", id="font"),
    pytest.param('<link rel="stylesheet" href="https://example.com/font.css">', id="style-sheet"),
    pytest.param('<div style="background:url(https://example.com/o.gif)"></div>', id="css-picture"),
    pytest.param('<table background="https://example.com/o.gif"></table>', id="background"),
    pytest.param("https://arxiv.org/abs/1?utm_source=mail", id="utm"),
]


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("planted", PLANTED)
def test_the_reading_finds_what_is_planted(name: str, planted: str, tmp_path: Path) -> None:
    issue, mailing = real_issue()
    html = mailing.rendered.html.replace("</body>", f"{planted}</body>")
    rendered = Rendered(mailing.rendered.subject, mailing.rendered.preheader, html, mailing.rendered.text)
    for wire in submit_and_read(name, replace(mailing, rendered=rendered), tmp_path):
        assert find_trackers(wire, permitted_links(issue, mailing))


@pytest.mark.parametrize("name", TRACKING_PROVIDERS)
@pytest.mark.parametrize("switch", ["track_opens", "track_clicks"])
def test_the_reading_finds_a_switch_that_is_on(switch: str, name: str, tmp_path: Path) -> None:
    issue, mailing = real_issue()
    for wire in submit_and_read(name, replace(mailing, **{switch: True}), tmp_path):
        assert find_trackers(wire, permitted_links(issue, mailing))


@pytest.mark.parametrize("planted", PLANTED[:1] + PLANTED[3:7])
def test_the_check_finds_it_before_it_is_sent(planted: str) -> None:
    issue, mailing = real_issue()
    html = mailing.rendered.html.replace("</body>", f"{planted}</body>")
    rendered = Rendered(mailing.rendered.subject, mailing.rendered.preheader, html, mailing.rendered.text)
    newsletter = loader.load(REPOSITORY, {})
    problems = runner.run(Proof(issue, rendered, newsletter))
    assert "tracking" in {problem.check for problem in problems}
    assert runner.run(Proof(issue, mailing.rendered, newsletter)) == []
