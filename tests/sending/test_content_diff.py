"""The content of a planned mailing, and its differences from another one in words."""

from dataclasses import replace

import pytest

from newsletter.mail.message import Mailing
from newsletter.sending.content_diff import differences, snapshot
from tests import samples

TEXT = "Hello\nCut, cook, blend.\nBye\n"
THEN = samples.plain_mailing(text=TEXT, html="<p>Hello</p>")


@pytest.mark.parametrize(
    ("now", "told"),
    [
        pytest.param(THEN, [], id="nothing"),
        pytest.param(replace(THEN, date=None), [], id="the-moment-is-no-difference"),
        pytest.param(
            replace(THEN, sender=("The Soup Letter", "other@example.com")),
            [
                'the sender: was "["The Soup Letter", "soup@example.com"]", '
                'is "["The Soup Letter", "other@example.com"]"'
            ],
            id="sender",
        ),
        pytest.param(
            samples.plain_mailing(text=TEXT.replace("Cut", "Chop"), html="<p>Hello</p>"),
            ['the text: 1 line differs; the first was "Cut, cook, blend.", is "Chop, cook, blend."'],
            id="text",
        ),
        pytest.param(
            samples.plain_mailing(text=TEXT + "PS\n", html="<p>Hello</p>"),
            ['the text: 1 line differs; the first is "PS"'],
            id="added",
        ),
        pytest.param(
            samples.plain_mailing(text=TEXT, html="<b>Hello</b>"),
            ["the HTML but not the text: templates, links or newsletter.yml"],
            id="html-alone",
        ),
        pytest.param(replace(THEN, track_opens=True), ['tracking.opens: was "false", is "true"'], id="flag"),
    ],
)
def test_differences(now: Mailing, told: list[str]) -> None:
    assert differences(snapshot(THEN), now) == told


def test_of_what_was_not_kept_nothing_is_told() -> None:
    assert differences(None, THEN) == []


def test_it_is_small() -> None:
    large = samples.plain_mailing(text=TEXT * 500, html="<p>Hello</p>" * 5000)
    assert len(snapshot(large)) < 1000
