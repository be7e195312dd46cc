"""The files of contrib/: each is tried with the program that reads it, and linked in docs/serve.md."""

import http.client
import importlib.util
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import click
import pytest
from starlette.routing import Route

from newsletter.cli.main import main
from newsletter.constants import SERVE_PORT
from newsletter.web.app import app
from newsletter.web.public_address import PublicAddress
from tests import samples
from tests.required import need
from tests.web.visitors import FORM, served

ROOT = Path(__file__).parent.parent
CONTRIB = ROOT / "contrib"
PAGE = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
SHOWN = {"Caddyfile": "text", "form.html": "html", "path.Caddyfile": "text"}
LINKED = {"Dockerfile", "news.service"}
OF_ANOTHER_PAGE = {"unsubscribe-worker.js", "unsubscribe-worker.sql"}
SECONDS = 60.0
"""The longest wait for a program to start; it is much longer than each needs."""


def text(name: str) -> str:
    return (CONTRIB / name).read_text(encoding="utf-8")


def serve_options(words: list[str]) -> dict[str, Any]:
    """Return the options of a command line of `news serve`; raise UsageError for one that is not valid."""
    assert Path(words[0]).name == "news"
    shared = main.make_context("news", words[1:])
    first = words.index("serve")
    command = main.commands["serve"].make_context("serve", words[first + 1 :], parent=click.Context(main))
    return shared.params | command.params


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)


def test_the_page_links_each_file_and_shows_the_short_ones_word_for_word() -> None:
    assert {path.name for path in CONTRIB.iterdir()} == LINKED | SHOWN.keys() | OF_ANOTHER_PAGE
    for name in LINKED | SHOWN.keys():
        assert f"(../contrib/{name})" in PAGE, name
    for name, language in SHOWN.items():
        assert f"```{language}\n{text(name)}```\n" in PAGE, name


def test_the_page_names_every_route_with_its_methods() -> None:
    server = app(SimpleNamespace(address=PublicAddress("https://news.example.com")))
    routes = {
        route.path: sorted(route.methods - {"HEAD"}) for route in server.routes if isinstance(route, Route)
    }
    described = re.findall(r"^\| `(/\S*)` \| ([A-Z, ]+) \|", PAGE, re.MULTILINE)
    assert {path: methods.split(", ") for path, methods in described} == routes


# systemd


def unit() -> dict[str, list[str]]:
    """Return the values of each key of the unit."""
    found: dict[str, list[str]] = {}
    for line in text("news.service").splitlines():
        if line and not line.startswith(("#", "[")):
            parsed = re.fullmatch(r"([A-Z]\w+)=(.*)", line)
            assert parsed, line
            found.setdefault(parsed[1], []).append(parsed[2])
    return found


def test_the_unit_starts_the_server_in_the_folder_that_it_may_write() -> None:
    (command,), (folder,) = unit()["ExecStart"], unit()["StateDirectory"]
    options = serve_options(shlex.split(command))
    assert options["folder"] == Path("/var/lib") / folder
    assert (options["host"], options["port"], options["log_format"]) == ("127.0.0.1", SERVE_PORT, "json")
    assert unit()["ProtectSystem"] == ["strict"]
    assert unit()["NoNewPrivileges"] == ["yes"]
    assert f"-o {unit()['User'][0]} -g newsletter {options['folder']}" in PAGE


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(("", ""), "", id="as-it-is"),
        pytest.param(("RestrictRealtime", "RestrictRealTime"), "RestrictRealTime", id="misspelt-key"),
        pytest.param(("75s", "75 soups"), "75 soups", id="no-duration"),
    ],
)
def test_systemd_understands_the_unit(change: tuple[str, str], complaint: str, tmp_path: Path) -> None:
    need(None if shutil.which("systemd-analyze") else "systemd-analyze (Debian: apt install systemd)")
    # The program is not installed where the unit expects it.
    content = text("news.service").replace("/opt/news/bin/news", sys.executable).replace(*change)
    path = tmp_path / "news.service"
    path.write_text(content, encoding="utf-8")
    verified = run("systemd-analyze", "verify", "--man=no", path)
    lines = [line for line in (verified.stdout + verified.stderr).splitlines() if path.name in line]
    assert bool(lines) == bool(complaint), lines
    assert complaint in "\n".join(lines)
    assert verified.returncode == 0 or complaint


# Docker


def instructions(source: str) -> list[tuple[str, tuple[str, ...], bool]]:
    """Return the name and the values of each instruction, by Docker's own parser; True if they are JSON."""
    # It has no wheel for Linux on other processors than x86-64.
    need(None if importlib.util.find_spec("dockerfile") else "dockerfile (pip install dockerfile)")
    import dockerfile

    return [(each.cmd.upper(), each.value, each.json) for each in dockerfile.parse_string(source)]


def values(name: str) -> list[tuple[str, ...]]:
    return [value for found, value, _ in instructions(text("Dockerfile")) if found == name]


def test_the_image_runs_the_server_for_other_containers_with_its_state_in_the_volume() -> None:
    (entry,), (command,) = values("ENTRYPOINT"), values("CMD")
    options = serve_options([*entry, *command])
    assert (options["folder"], options["host"]) == (Path("/newsletter"), "0.0.0.0")
    assert values("EXPOSE") == [(str(options["port"]),)]
    (state,) = values("VOLUME")
    assert values("ENV") == [("NEWS_STATE_DIR", state[0])]
    in_json = {name for name, _, is_json in instructions(text("Dockerfile")) if is_json}
    assert in_json == {"HEALTHCHECK", "ENTRYPOINT", "CMD"}  # without a shell, signals reach the server
    (user,), (installed,) = values("USER"), values("RUN")
    assert f"useradd --uid 10001 {user[0]} && install -d -m 700 -o {user[0]} {state[0]}" in installed[0]


def test_the_files_that_the_image_copies_make_the_whole_package(tmp_path: Path) -> None:
    for *sources, target in values("COPY"):
        folder = tmp_path / target.lstrip("/")
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, folder)
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path, tmp_path / "src")
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    assert {"newsletter/web/app.py", "newsletter/templates/web/sign_up.html.j2"} <= names
    assert (tmp_path / "src" / "constraints.txt").exists()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_of_the_image_fails_with_the_server(status: int, code: int) -> None:
    asked: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    ((kind, _, option, program),) = values("HEALTHCHECK")
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        here = program.replace(f":{SERVE_PORT}/", f":{server.server_port}/")
        assert kind == "CMD" and here != program
        checked = run(sys.executable, option, here)
        server.shutdown()
    assert (checked.returncode, asked) == (code, ["/healthz"])


# Caddy


@pytest.fixture
def caddy() -> str:
    program = shutil.which("caddy")
    need(None if program else "caddy (Debian: apt install caddy)")
    return str(program)


@pytest.mark.parametrize("name", ["Caddyfile", "path.Caddyfile"])
def test_caddy_understands_the_file(name: str, caddy: str, tmp_path: Path) -> None:
    content = text(name)
    assert f"reverse_proxy 127.0.0.1:{SERVE_PORT}" in content
    for mistake, is_valid in (("", True), ("\nreverse proxy {\n", False)):
        path = tmp_path / name
        path.write_text(content + mistake, encoding="utf-8")
        validated = run(caddy, "validate", "--adapter", "caddyfile", "--config", path)
        assert (validated.returncode == 0) == is_valid, validated.stderr
    assert run(caddy, "fmt", CONTRIB / name).stdout == content


@contextmanager
def started(*words: str | Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a program until the block ends."""
    with subprocess.Popen(list(map(str, words)), text=True, **options) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def news_serve(folder: Path) -> Iterator[int]:
    """Run `news serve` on a free port; yield the port."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEWS_")}
    environment = clean | {"PYTHONPATH": str(ROOT), "CI": "", "NEWS_SECRET_KEY": samples.SECRET}
    words = [sys.executable, "-m", "newsletter", "-C", folder, "serve", "--port", "0"]
    with (
        (folder / "log").open("w") as log,
        started(*words, stdout=subprocess.PIPE, stderr=log, env=environment) as process,
    ):
        assert process.stdout
        first = process.stdout.readline()
        assert first.startswith("Serving "), (folder / "log").read_text()
        yield int(urlsplit(first.split()[-1]).port or 0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until a port of this machine accepts connections."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < end, f"nothing listens on port {port}"
            time.sleep(0.05)


def ask(client: str, port: int, method: str = "GET", path: str = "/", forwarded: str = "") -> int:
    """Send a request from an address of this machine; return the status of the response."""
    headers = FORM | ({"X-Forwarded-For": forwarded} if forwarded else {})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS, source_address=(client, 0))
    body = urlencode({"address": f"reader-{client}@example.com"}) if method == "POST" else None
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("name", "site", "base"),
    [
        pytest.param("Caddyfile", "news.example.com {", "", id="host"),
        pytest.param("path.Caddyfile", "example.com {", "/news", id="path"),
    ],
)
def test_behind_caddy_the_limits_count_the_client_also_if_it_forges_the_header(
    name: str, site: str, base: str, caddy: str, tmp_path: Path
) -> None:
    need(None if sys.platform == "linux" else "Linux, where every address 127.x.y.z is of this machine")
    newsletter = samples.write(tmp_path, extra="serve: {proxies: [127.0.0.1], rate_per_network: 2/h}\n")
    path = newsletter / "newsletter.yml"
    link = f"http://127.0.0.1{base}/unsubscribe/{{token}}"
    path.write_text(path.read_text(encoding="utf-8").replace(samples.UNSUBSCRIBE, link), encoding="utf-8")
    with news_serve(newsletter) as port:
        front = free_port()
        here = text(name).replace(site, f"http://127.0.0.1:{front} {{").replace(f":{SERVE_PORT}", f":{port}")
        config = tmp_path / "Caddyfile"
        config.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + here, encoding="utf-8")
        words = [caddy, "run", "--adapter", "caddyfile", "--config", config]
        with started(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
            wait_for(front)
            assert ask("127.0.0.1", front, path=f"{base}/unsubscribe/test") == 200
            subscribe = ("POST", f"{base}/subscribe")
            assert [ask("127.0.2.5", front, *subscribe) for _ in range(3)] == [200, 200, 429]
            assert ask("127.0.3.5", front, *subscribe) == 200
            forged = [ask("127.0.4.5", front, *subscribe, f"198.51.{n}.7") for n in range(3)]
            assert forged == [200, 200, 429]
            # A client that reaches the server without the proxy is not believed either.
            direct = [ask("127.0.5.5", port, *subscribe, f"198.51.{n}.7") for n in range(3)]
            assert direct == [200, 200, 429]


# The form


class Form(HTMLParser):
    """The attributes of each element of a form."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def test_the_form_signs_up_from_another_site(tmp_path: Path) -> None:
    found = Form(text("form.html")).elements
    (form,) = [attributes for tag, attributes in found if tag == "form"]
    names = [attributes["name"] for tag, attributes in found if tag == "input"]
    assert (form["method"], names) == ("post", ["address"])
    with served(tmp_path) as server:
        headers = {"Origin": "https://example.com", "Sec-Fetch-Site": "cross-site"}
        path = urlsplit(form["action"] or "").path
        assert server.post(path, {"address": "ada@example.com"}, headers=headers).status_code == 200
        assert [row.address for row in server.rows("sign_up")] == ["ada@example.com"]


def test_the_health_that_the_page_shows_is_the_response(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    with served(tmp_path) as server:
        assert server.get("/healthz").json() == json.loads(shown)
