"""Tests of the new issues that the preview's page starts."""

import asyncio
import json
from datetime import date
from pathlib import Path

import httpx
import pytest

from newsletter.preview.new_issue import parse_date, proposed_date
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace
from tests.preview.conftest import Letter

ORIGIN = "http://127.0.0.1:8025"
MONDAY = date(2026, 1, 5)


async def post(workspace: Workspace, day: str, method: str = "POST") -> dict[str, object]:
    transport = httpx.ASGITransport(app(workspace), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as browser:
        response = await browser.request(method, "/issues", json={"date": day}, headers={"Origin": ORIGIN})
    assert response.status_code == 200
    told: dict[str, object] = response.json()
    return told


def start(letter: Letter, day: str) -> dict[str, object]:
    return asyncio.run(post(Workspace(letter.folder), day))


def test_a_new_issue_has_the_headings_of_the_last_and_is_shown(letter: Letter) -> None:
    workspace = Workspace(letter.folder)

    async def wait() -> tuple[dict[str, object], str]:
        follower = workspace.follow()
        async with asyncio.timeout(10):
            assert "Soup for all" in await anext(follower)
            told = await post(workspace, "2026-02-02")
            return told, await anext(event async for event in follower if event.startswith("event: page"))

    told, event = asyncio.run(wait())
    assert told == {"ok": True, "issue": "2026-02-02", "said": "Wrote issues/2026-02-02.yml."}
    text = (letter.folder / "issues/2026-02-02.yml").read_text(encoding="utf-8")
    assert 'heading: "How"' in text and "ready: false" in text
    assert (
        json.loads(event.partition("data: ")[2])["issue"] == "2026-02-02"
    )  # without a change that is watched


@pytest.mark.parametrize(("day", "what"), [("0001-01-01", "not the date"), ("9999-12-31", "not the date")])
def test_a_year_that_no_issue_has_is_refused(letter: Letter, day: str, what: str) -> None:
    told = start(letter, day)
    assert told["ok"] is False and what in str(told["said"])


def test_of_two_requests_one_writes(letter: Letter) -> None:
    workspace = Workspace(letter.folder)

    async def both() -> list[dict[str, object]]:
        return await asyncio.gather(post(workspace, "2026-02-02"), post(workspace, "2026-02-02"))

    assert sorted(bool(told["ok"]) for told in asyncio.run(both())) == [False, True]


def test_without_issues_or_a_configuration_an_issue_can_be_started(letter: Letter) -> None:
    (letter.folder / "issues/2026-01-05.yml").unlink()
    (letter.folder / "issues").rmdir()
    letter.save("newsletter.yml", "name: [")
    assert start(letter, "2026-02-02")["ok"] is True


@pytest.mark.parametrize(
    ("issues", "proposed"),
    [
        ((), "2026-01-12"),
        (("2026-01-12",), "2026-01-19"),
        (("2026-01-12", "2026-01-19", "2026-02-02"), "2026-01-26"),
    ],
)
def test_the_next_monday_without_an_issue_is_proposed(
    tmp_path: Path, issues: tuple[str, ...], proposed: str
) -> None:
    (tmp_path / "issues").mkdir()
    for name in issues:
        (tmp_path / f"issues/{name}.yml").touch()
    assert proposed_date(tmp_path, MONDAY) == date.fromisoformat(proposed)


def test_the_proposal_is_a_date_of_the_field(letter: Letter) -> None:
    told = asyncio.run(post(Workspace(letter.folder), "", "GET"))
    assert parse_date(told["date"])
