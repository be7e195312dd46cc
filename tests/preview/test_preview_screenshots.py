"""Tests of the screenshots of a mail, with a real Chromium in a separate process."""

import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from newsletter.browser.chromium import CHROMIUM_COMMANDS

NAMES = ("desktop-light", "desktop-dark", "phone-light", "phone-dark")
WITHOUT_PLAYWRIGHT = """
import sys
sys.modules["playwright"] = None
from newsletter.cli.main import run
run()
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", *arguments]


def news(letter, *arguments, start=("-m", "newsletter"), **environment):
    done = subprocess.run(
        command(*start, *arguments),
        cwd=letter.folder,
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def take(letter, forks, tmp_path_factory):
    """Return a function that takes screenshots in a process of its own."""

    def take(*arguments, into="shots", **environment):
        output, errors = (tmp_path_factory.mktemp("streams") / name for name in ("output", "errors"))
        with output.open("wb") as out, errors.open("wb") as err:
            process = forks.start(
                "newsletter",
                *("preview", *arguments, "--screenshot", into),
                folder=letter.folder,
                output=out.fileno(),
                errors=err.fileno(),
                environment={**os.environ, "NO_COLOR": "1", **environment},
            )
        done = subprocess.CompletedProcess((), process.wait(60), output.read_text(), errors.read_text())
        assert "Traceback" not in done.stderr
        return done

    return take


def picture(letter, name: str) -> bytes:
    return (letter.folder / "shots" / f"2026-01-05-{name}.png").read_bytes()


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


def one_coloured(width: int, height: int) -> bytes:
    """Return a black picture in the format PNG."""
    rows = zlib.compress(bytes(height * (1 + (width + 7) // 8)))
    chunks = {b"IHDR": struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0), b"IDAT": rows, b"IEND": b""}
    parts = (
        struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def footer(letter, raw: str) -> None:
    letter.save("templates/footer.mjml.j2", f"<mj-raw>{raw}</mj-raw>")


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a web server on this machine, and the paths that were requested."""
    requested: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", requested
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.usefixtures("chromium")
def test_four_pictures_as_wide_as_their_windows(letter, take):
    done = take()
    assert (done.returncode, done.stderr) == (0, "")
    told = [line.split("  ") for line in done.stdout.splitlines()]
    assert told == [
        [f"shots/2026-01-05-{name}.png", f"{len(picture(letter, name)):,} bytes"] for name in NAMES
    ]
    assert [size(picture(letter, name))[0] for name in NAMES] == [640, 640, 750, 750]
    for window in ("desktop", "phone"):
        light, dark = (picture(letter, f"{window}-{scheme}") for scheme in ("light", "dark"))
        assert size(light) == size(dark)
        assert light != dark


@pytest.mark.usefixtures("chromium")
def test_the_whole_mail_is_in_it(letter, take):
    tall = "".join(f'<p style="margin:0;height:100px">{n}</p>' for n in range(120))
    footer(letter, f'<div style="font-size:20px">{tall}</div>')
    assert take().returncode == 0
    assert 12_000 < size(picture(letter, "desktop-light"))[1] < 14_000
    assert 24_000 < size(picture(letter, "phone-light"))[1] < 28_000


@pytest.mark.every_case
@pytest.mark.usefixtures("chromium")
def test_a_mail_without_end_is_cut(letter, take):
    footer(letter, '<div style="height:150000px">.</div>')
    done = take()
    assert done.returncode == 0
    assert [size(picture(letter, name))[1] for name in NAMES] == [65_536] * 4
    assert done.stdout.count(" bytes, only the first 65,536 pixels of the mail\n") == 4


@pytest.mark.usefixtures("chromium")
def test_what_is_too_wide_for_a_phone_does_not_widen_the_picture(letter, take):
    footer(letter, '<div style="width:900px">.</div>')
    assert take().returncode == 0
    assert [size(picture(letter, name))[0] for name in NAMES] == [640, 640, 750, 750]


@pytest.mark.usefixtures("chromium")
def test_nothing_is_fetched_and_no_script_runs_but_a_picture_of_a_file_is_shown(letter, take):
    (letter.folder / "pictures").mkdir()
    (letter.folder / "pictures" / "tall.png").write_bytes(one_coloured(20, 3000))
    letter.edit("    passages:\n", "    image: {src: pictures/tall.png, alt: A ladder}\n    passages:\n")
    with listening() as (address, requested):
        letter.save("newsletter.yml", f"{letter.config}site: {address}\n")
        footer(
            letter,
            f'<img alt="" src="{address}/pixel.png" /><script>new Image().src = "{address}/script"</script>'
            f'<div style="background:url({address}/ground.png)">.</div>'
            f'<iframe src="{address}/frame"></iframe>',
        )
        assert take().returncode == 0
        assert requested == []
    assert 3000 < size(picture(letter, "desktop-light"))[1] < 5000


@pytest.mark.every_case
@pytest.mark.usefixtures("chromium")
def test_the_named_issue_again_over_its_old_pictures(letter, take):
    letter.save("issues/2026-02-02.yml", letter.issue)
    first, second = (take("2026-01-05", into="a/b") for _ in range(2))
    assert first.stdout == second.stdout
    assert first.stdout.startswith("a/b/2026-01-05-desktop-light.png")


@contextmanager
def taking(letter, **environment) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that takes screenshots, in a new process group."""
    with subprocess.Popen(
        command("-m", "newsletter", "preview", "--screenshot", "shots"),
        cwd=letter.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    ) as process:
        yield process


def interrupt(process) -> str:
    """Press Ctrl-C and return the rest of the output, after the browser has closed the pipe too."""
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=20)[0]


def path_to_chromium(folder, script: str) -> str:
    """Return a PATH on which the browser is a shell script; `folder` is outside the newsletter's."""
    browser = folder / "bin" / CHROMIUM_COMMANDS[0]
    browser.parent.mkdir()
    browser.write_text(f"#!/bin/sh\n{script}\n")
    browser.chmod(0o755)
    return f"{browser.parent}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
@pytest.mark.usefixtures("chromium")
def test_ctrl_c_ends_the_browser_too(letter):
    with taking(letter, PYTHONUNBUFFERED="1") as process:
        assert process.stdout
        assert "desktop-light.png" in process.stdout.readline()
        output = interrupt(process)
    assert process.returncode == 1
    assert output.rstrip().endswith("Aborted!")
    assert "Traceback" not in output


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
def test_ctrl_c_ends_a_browser_that_says_nothing(letter, tmp_path, tmp_path_factory):
    started = tmp_path / "started"
    path = path_to_chromium(tmp_path_factory.mktemp("installed"), f": > {started}\nexec sleep 100")
    with taking(letter, PATH=path) as process:
        until = time.monotonic() + 20
        while not started.exists() and time.monotonic() < until:
            time.sleep(0.05)
        output = interrupt(process)
    assert (process.returncode, output.strip()) == (1, "Aborted!")


def test_an_issue_with_errors_is_told_with_its_line(letter, take):
    letter.edit("preheader", "preheadr")
    done = take()
    assert done.returncode == 1
    assert "issues/2026-01-05.yml:2" in done.stderr
    assert not (letter.folder / "shots").exists()


def test_without_chromium_it_says_how_to_get_it(letter, tmp_path, take):
    (tmp_path / "empty").mkdir()
    empty = str(tmp_path / "empty")
    done = take(PATH=empty, PLAYWRIGHT_BROWSERS_PATH=empty)
    assert done.returncode == 1
    assert "Chromium is not installed" in done.stderr
    assert "apt install chromium" in done.stderr


def test_without_playwright_it_says_how_to_get_it(letter):
    done = news(letter, "preview", "--screenshot", "shots", start=("-c", WITHOUT_PLAYWRIGHT))
    assert done.returncode == 1
    assert "pictures need playwright, which is not installed" in done.stderr
    assert "pip install playwright" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the broken browser is a shell script")
def test_a_browser_that_does_not_start_is_told_in_its_own_words(take, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    done = take(PATH=path_to_chromium(folder, "echo 'libfoo.so is missing' >&2\nexit 3"))
    assert done.returncode == 1
    assert f"bin/{CHROMIUM_COMMANDS[0]}: error: Chromium does not start: libfoo.so is missing" in done.stderr


def test_a_folder_that_cannot_be_made(letter):
    (letter.folder / "file").write_text("")
    below = news(letter, "preview", "--screenshot", "file/shots")
    assert below.returncode == 1
    assert "file/shots: error: cannot be written (Not a directory)" in below.stderr
    assert "choose another folder: --screenshot" in below.stderr
    assert news(letter, "preview", "--screenshot", "file").returncode == 2


@pytest.mark.usefixtures("chromium")
def test_a_picture_that_cannot_be_written(letter, take):
    (letter.folder / "shots" / "2026-01-05-desktop-light.png").mkdir(parents=True)
    done = take()
    assert done.returncode == 1
    assert "shots/2026-01-05-desktop-light.png: error: is a folder, not a regular file" in done.stderr


@pytest.mark.parametrize(
    ("host", "warned"),
    [
        pytest.param("127.0.0.2", False, id="loopback"),
        pytest.param("::1", False, id="loopback-6"),
        pytest.param("localhost", False, id="by-name"),
        pytest.param("0.0.0.0", True, id="everywhere"),
        pytest.param("192.0.2.1", True, id="elsewhere"),
    ],
)
def test_a_host_that_others_reach_is_warned_of(letter, host, warned):
    from newsletter.network.hosts import is_loopback

    assert is_loopback(host) is not warned


@pytest.mark.parametrize("host, warned", [("0.0.0.0", True), ("127.0.0.1", False)])
def test_the_warning_is_on_standard_error_once_it_listens(letter, host, warned):
    with subprocess.Popen(
        command("-m", "newsletter", "preview", "--host", host, "--port", "0"),
        cwd=letter.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline().startswith(f"http://{host}:")
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=5)
        finally:
            process.kill()
    assert (process.returncode, errors) == (
        0,
        "Everyone who can reach 0.0.0.0 can read your drafts.\n" if warned else "",
    )


def test_no_warning_where_nothing_listens(letter):
    done = news(letter, "preview", "--host", "192.0.2.1")  # no machine has it (RFC 5737), so it ends at once
    assert (done.returncode, done.stdout) == (1, "")
    assert "can read your drafts" not in done.stderr
