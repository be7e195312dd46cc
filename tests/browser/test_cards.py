"""Tests of drawing cards with a real Chromium: the same bytes each time, without files and scripts."""

import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from newsletter.archive.card import CARD_SIZE, render_card
from newsletter.browser.cards import Limits, draw_cards
from newsletter.errors import Unavailable
from newsletter.render.model import Site
from newsletter.render.themes import ThemeName

pytestmark = pytest.mark.usefixtures("chromium")
MAX_BYTES = 100_000
# Elements that show elements ten times, nine levels deep: to draw them takes hours.
ENDLESS = (
    "<svg><rect id=a0 width=1 height=1 />"
    + "".join(f"<g id=a{n}>{f'<use href=#a{n - 1} />' * 10}</g>" for n in range(1, 10))
    + "</svg>"
)


def card(number: int, theme: ThemeName = "digest") -> tuple[str, str]:
    site = Site("Plot & Pantry", "x", theme=theme)
    return f"2026-{number}", render_card(site, f"Soup weather, part {number}", "27 April 2026")


def draw(pages: Iterable[tuple[str, str]], limits: Limits | None = None) -> list[tuple[str, bytes]]:
    return list(draw_cards(pages, CARD_SIZE, limits))


def drawn(html: str) -> bytes:
    return draw([("it", html)])[0][1]


def test_each_page_is_a_picture_in_its_order() -> None:
    pages = [card(number, theme) for number, theme in enumerate(get_args(ThemeName) * 3)]
    pictures = draw(iter(pages))
    assert [name for name, _ in pictures] == [name for name, _ in pages]
    assert len({png for _, png in pictures}) == len(pages)
    for _, png in pictures:
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", png[16:24]) == CARD_SIZE
        assert len(png) < MAX_BYTES


def test_the_same_page_gives_the_same_bytes_in_each_tab_and_run() -> None:
    _, html = card(1)
    first = draw((str(number), html) for number in range(9))
    second = draw([card(2), ("again", html)])
    assert {png for _, png in first} == {second[1][1]}


def test_without_pages_no_browser_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert draw([]) == []


def picture_file(path: Path) -> None:
    """Write a black picture of 40 by 40 pixels."""
    chunks = {b"IHDR": struct.pack(">IIBBBBB", 40, 40, 1, 0, 0, 0, 0), b"IDAT": zlib.compress(bytes(40 * 6))}
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, content in {**chunks, b"IEND": b""}.items():
            checksum = struct.pack(">I", zlib.crc32(kind + content))
            file.write(struct.pack(">I", len(content)) + kind + content + checksum)


READING = {
    "picture": "<img alt=x src={file}>",
    "frame": "<iframe src={file}></iframe>",
    "object": "<object data={file}>x</object>",
    "embed": "<embed src={file}>",
    "refresh": "<meta http-equiv=refresh content='0;url={file}'>x",
    "base": "<base href={file}><img alt=x src=''>",
    "background": "<div style='height:99px;background:url({file})'></div>",
    "svg": "<svg><image href={file} width=40 height=40 /></svg>",
    "script": "<script>document.body.append('it runs')</script>",
    "handler": "<img src=data:, onerror='document.body.append(1)' hidden>",
}
"""Pages that would show a file or run a script, by the way in which they try it."""


def test_no_file_is_read_and_no_script_runs(tmp_path: Path) -> None:
    picture_file(tmp_path / "it.png")
    there, missing = ((tmp_path / name).as_uri() for name in ("it.png", "no.png"))
    pages = []
    for name, html in READING.items():
        without = html.replace("{file}", missing).replace("document.body.append", "void ")
        pages += [(name, html.replace("{file}", there)), (f"{name} without", without)]
    pictures = dict(draw(pages))
    assert [name for name in READING if pictures[name] != pictures[f"{name} without"]] == []


def test_a_style_sheet_of_a_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "it.css").write_text("body { background: #000000 }", encoding="utf-8")
    address = (tmp_path / "it.css").as_uri()
    linked = drawn(f"<link rel=stylesheet href={address}><style>@import url({address});</style>x")
    assert linked == drawn("<style></style>x")
    assert linked != drawn("<style>body { background: #000000 }</style>x")


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        pytest.param(
            Limits(seconds_per_card=2), "^hard: Chromium did not draw it within 2 seconds$", id="one"
        ),
        pytest.param(Limits(total_seconds=0), "Chromium did not draw all cards in time$", id="all"),
    ],
)
def test_a_page_that_is_never_drawn_ends_the_drawing(limits: Limits, told: str) -> None:
    with pytest.raises(Unavailable, match=told) as failure:
        draw([("hard", ENDLESS)], limits)
    assert "template" in failure.value.hint


def test_a_page_that_is_never_drawn_takes_no_picture_from_others() -> None:
    pages = [("hard", ENDLESS), *(card(number) for number in range(11))]
    names = []
    with pytest.raises(Unavailable, match=r"^hard: "):
        for name, _ in draw_cards(pages, CARD_SIZE, Limits(seconds_per_card=5, cards_per_browser=6)):
            names.append(name)
    assert names == [name for name, _ in pages[1:]]


@pytest.mark.every_case
def test_pages_that_are_all_never_drawn_end_the_drawing_together() -> None:
    asked = []

    def pages() -> Iterator[tuple[str, str]]:
        for number in range(9):
            asked.append(number)
            yield str(number), ENDLESS

    with pytest.raises(Unavailable, match=r"^0: "):
        draw(pages(), Limits(seconds_per_card=2, cards_per_browser=5))
    assert asked == [0, 1, 2, 3, 4]


@pytest.mark.every_case
def test_more_pages_than_one_browser_draws() -> None:
    pages = [card(number) for number in range(5)]
    pictures = draw(pages, Limits(cards_per_browser=2))
    assert [name for name, _ in pictures] == [name for name, _ in pages]
    assert pictures == draw(pages)


def test_a_mistake_of_the_caller_reaches_it() -> None:
    def pages() -> Iterator[tuple[str, str]]:
        yield card(1)
        raise LookupError("no page")

    with pytest.raises(LookupError, match="no page"):
        draw(pages())


STORY = """
import sys
from newsletter.browser.cards import Limits, draw_cards

def tell(event, values):
    if event == "import" and values[0] == "playwright.async_api":
        print("it starts", flush=True)

sys.addaudithook(tell)
pages = [("first", "<p>1"), ("hard", sys.argv[1])]
for name, _ in draw_cards(pages, (1200, 630), Limits(seconds_per_card=600, cards_per_browser=1)):
    print(name, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
@pytest.mark.parametrize(
    "is_group",
    [
        pytest.param(True, id="to-all"),
        pytest.param(False, id="to-news-alone", marks=pytest.mark.every_case),
    ],
)
@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        pytest.param("it starts\n", 0, id="before-the-browser-starts"),
        # The second page is endless: the seconds give its browser time to start, and it never ends too early.
        pytest.param("first\n", 3, id="while-it-draws"),
    ],
)
def test_ctrl_c_ends_the_browser_too(is_group: bool, line: str, seconds: int) -> None:
    """The output ends when the last process does that has it, which is the browser's."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", STORY, ENDLESS],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout and line in iter(process.stdout.readline, "")
        time.sleep(seconds)
        (os.killpg if is_group else os.kill)(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, output
    assert output.splitlines()[-1] == "KeyboardInterrupt"
    assert "Task" not in output and "was never" not in output
