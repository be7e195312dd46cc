"""Tests that the words of strangers are only text in the terminal: no control code, no line, no command.

Lines that begin with `::`, and `##[` anywhere in a line, are commands for GitHub's runner.
"""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli import main as program
from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.store.database import open_database
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers import address
from tests import samples
from tests.doctor import world as worlds
from tests.fakes.smtp import ScriptedSmtp

News = Callable[..., Result]

# Escape sequences, a C1 sequence, backspace, delete, bidirectional and invisible characters, separators.
CONTROLS = (
    "\x1b[35m\x1b]0;t\x07\x1b[2J\x9b35m\b\x7f\u202e\u2066\u200b\ufeff\u2028\u2029\x85\x0b\x0c\U000e0041"
)
LINES = (
    "\r\n::error file=a,line=1::FORGED\rFORGED\n##[error]FORGED\n  ::add-mask::FORGED %0A::warning::FORGED\n"
)
FOREIGN = f"::error::FORGED ##[group]a{CONTROLS}{LINES}"
LONG = "w" * 1_000_000
# The colours that news writes, and the codes for bold, underlined and the end of a style.
OWN_CODES = re.compile(r"\x1b\[(?:0|1|4|3[1-47])m")
MAX_BYTES = 60_000

FORGED = re.compile(r"^[^\w:]*(?:::|FORGED)|##\[", re.MULTILINE)


def harmless(output: bytes, own: str = "") -> str:
    """Fail if bytes for the terminal are not plain text; return them without colours.

    Lines that begin with `own` are commands of our own.
    """
    text = OWN_CODES.sub("", output.decode("utf-8"))
    bad = {c for c in text if not (c.isprintable() or c in "\n\t" or unicodedata.category(c) == "Zs")}
    assert not bad, (bad, text)
    lines = [line for line in text.splitlines() if not (own and line.startswith(own))]
    assert not FORGED.search("\n".join(lines)), text
    assert len(output) < MAX_BYTES, text[:2000]
    return text


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> News:
    """Return a function that runs `news`, in colour, and fails for any byte that is not plain text."""
    samples.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in (
        "CI",
        "NEWS_DATABASE_URL",
        "NEWS_SECRET_KEY",
        "SENDGRID_API_KEY",
        "SMTP_PASSWORD",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)

    logging_plugin = request.config.pluginmanager.getplugin("logging-plugin")

    def run(*arguments: str, own: str = "", **environment: str) -> Result:
        result = CliRunner().invoke(main, arguments, env=environment, color=True)
        logging_plugin.report_handler.reset()  # xdist cannot transfer a report with lone surrogates
        assert isinstance(result.exception, SystemExit | None), result.exception
        for output in (result.stdout_bytes, result.stderr_bytes):
            harmless(output, own)
        return result

    return run


def quoted(text: str) -> str:
    """Return text as a YAML string in double quotes."""
    return json.dumps(text)


ARGUMENTS = [
    ["{}"],
    ["--{}"],
    ["-C", "{}", "check"],
    ["--log-format", "{}", "check"],
    ["check", "{}"],
    ["check", "--{}"],
    ["check", "--format", "{}"],
    ["render", "{}"],
    ["render", "a", "{}"],
    ["new", "{}"],
    ["status", "{}"],
    ["status", "{}", "2026-04-27"],
    ["status", "2026-04-27", "--list", "{}"],
    ["send", "{}"],
    ["send", "2026-04-27", "--to", "{}"],
    ["send", "2026-04-27", "--at", "{}"],
    ["send", "2026-04-27", "--canary", "{}"],
    ["send", "2026-04-27", "--provider", "{}"],
    ["resume", "{}"],
    ["resolve", "2026-04-27", "--assume", "{}"],
    ["preview", "--port", "{}"],
    ["preview", "--host", "{}"],
    ["preview", "{}", "--screenshot", "shots"],
    ["doctor", "--nameserver", "{}"],
    ["subscribers", "{}"],
    ["subscribers", "import", "{}"],
    ["subscribers", "import", "newsletter.yml", "--encoding", "{}"],
    ["subscribers", "add", "{}"],
    ["subscribers", "add", "a@example.com", "--name", "{}"],
    ["subscribers", "remove", "{}", "a@example.com"],
    ["-v", "render", "-o", "{}"],
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_arguments(news: News, arguments: list[str]) -> None:
    news(*(argument.format(FOREIGN) for argument in arguments))


@pytest.mark.parametrize("foreign", [LONG, "\udcff\udc80::x", "::::", "\ufe0f::add-mask::x #\ufe0f#[x]"])
def test_arguments_of_other_kinds(news: News, foreign: str) -> None:
    for arguments in ([foreign], ["check", foreign], ["send", foreign], ["subscribers", "import", foreign]):
        news(*arguments)


ISSUES = {
    "lines": samples.ISSUE.replace("Leek & potato", quoted(FOREIGN)).replace("Hello", quoted(FOREIGN)),
    "subject": samples.ISSUE.replace(
        "Leek & potato", quoted("::error::FORGED ##[x] \u202e\x7f \U000e0041 [red]")
    ),
    "title": samples.ISSUE.replace(
        "Leek and potato soup", quoted("::x:: ##[x] \u202e \ud83d\ude00 ab ab TEH teh")
    ),
    "text": samples.ISSUE.replace("Cut, cook", quoted(f"TODO {FOREIGN}")[1:-1])
    .replace("text: TODO", 'text: "TODO')
    .replace("/blend).", '/blend)."'),
    "key": samples.ISSUE + f"{quoted(FOREIGN)}: x\n",
    "link": samples.ISSUE.replace("https://soup.example.com/leek?size=4&time=30", quoted(FOREIGN)),
    "host": samples.ISSUE.replace(
        "(https://soup.example.com/blend)", "(https://::error::\u202e/)[x](::error::)"
    ),
    "type": samples.ISSUE.replace("ready: true", f"ready: {quoted(FOREIGN)}"),
    "alias": samples.ISSUE.replace("ready: true", "ready: *\u202e::error::\u200b"),
    "tag": samples.ISSUE.replace("ready: true", "ready: !%1B%0A%3A%3Aerror%3A%3A x"),
    "raw": samples.ISSUE.replace("ready: true", "ready: \x1b[35m"),
    "syntax": samples.ISSUE.replace("ready: true", "ready: {::error::\u202e##[x]\n  ::error::FORGED: [\n"),
    "long": samples.ISSUE.replace("ready: true", f"{'w' * 90_000}: true"),
    "word": samples.ISSUE.replace("Cut, cook", f"TODO {'w' * 5_000}"),
}


def test_issues(news: News, tmp_path: Path) -> None:
    names = [f"2026-01-{day:02}" for day in range(1, len(ISSUES) + 1)]
    for name, issue in zip(names, ISSUES.values(), strict=True):
        file = tmp_path / "issues" / f"{name}.yml"
        file.write_text(issue, encoding="utf-8", errors="surrogatepass")
    assert "error: " in news("-v", "check", *names).output
    news("send", names[list(ISSUES).index("title")], "--dry-run")
    for form in ("json", "sarif"):
        json.loads(news("check", *names, "--format", form).stdout)
    commands = news("--log-format", "json", "check", *names, "--format", "github", own="::").stdout
    assert all(re.match(r"::(error|warning|notice) [^\n]*::", line) for line in commands.splitlines())


TEMPLATES = {
    "unknown": "{{ issue['" + FOREIGN.replace("\r", "").replace("\n", "\\n") + "'].x }}",
    "filter": "{{ 1|x" + CONTROLS + " }}",
    "character": "{{ \x1b[35m ::error:: }}",
    "test": "{% if 1 is ::error::\u202e %}{% endif %}",
    "block": "{% \u202e %}",
    "extends": "{% extends " + json.dumps(FOREIGN) + " %}",
    "text": "::error::FORGED \x1b[2J\n::error::FORGED {{ issue.subject.x.y }}",
}
MARKUP = {
    "element": "<mj-\u202eerror>x</mj-\u202eerror>",
    "closed": "<mj-text>\x1b[35m</mj-texxt>",
    "lines": "<mj-text\n::error::FORGED=\n::error::FORGED></mj-tex\n::error::FORGED>",
    "attribute": '<mj-text ::error::="\x1b[2J" zz="a&zz;">x</mj-text>',
    "style": "<mj-text><p style='color:\x1b[35m;\u202e:x;##[x]:y;position:fixed'>x</p></mj-text>",
    "include": '<mj-include path="\u202e\n::error::FORGED" />',
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(pytest.param("footer.txt.j2", text, id=f"text-{name}") for name, text in TEMPLATES.items()),
        *(pytest.param("newsletter.mjml.j2", text, id=f"mjml-{name}") for name, text in TEMPLATES.items()),
        *(pytest.param("story.mjml.j2", text, id=f"markup-{name}") for name, text in MARKUP.items()),
        pytest.param("::error::FORGED\n::error::\x1b.txt.j2", "{{", id="name"),
    ],
)
def test_templates(news: News, tmp_path: Path, name: str, text: str) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / name).write_text(text, encoding="utf-8", newline="")
    news("-vv", "render")


def test_a_template_in_the_log_of_a_workflow(news: News, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "footer.txt.j2").write_text(TEMPLATES["unknown"], newline="")
    news("--log-format", "json", "-vv", "check", "--format", "github", own="::")


def test_names_of_files(news: News, tmp_path: Path) -> None:
    issues = tmp_path / "issues"
    for name in (f"2026-05-04{CONTROLS}.yml", "::error::FORGED.yml", "a\n::error::FORGED.yaml", "##[x].yml"):
        (issues / name).write_text(samples.ISSUE)
    with open(os.fsencode(issues) + b"/2026-05-11\xff::x.yml", "w") as file:
        file.write("x")
    for arguments in (["check"], ["check", "2026-05-04"], ["render", "2026-05-05"], ["status", "--due"]):
        news(*arguments)
    elsewhere = tmp_path / f"::error::FORGED{CONTROLS}\n::error::FORGED ##[x]"
    samples.write(elsewhere, issue="::error::: x")
    for arguments in (
        ["check"],
        ["render"],
        ["doctor", "--offline"],
        ["subscribers", "add", "a@example.com"],
    ):
        news("-C", str(elsewhere), *arguments)


CONFIGS = {
    "value": f"reply_to: {quoted(FOREIGN)}\n",
    "check": f"checks: {{{quoted(FOREIGN)}: off, subject: {quoted(FOREIGN)}}}\n",
    "reason": "checks: {subject: {level: off, reason: "
    + quoted("::error::FORGED ##[x] \u202e \x7f")
    + "}}\n",
    "provider": f"provider: {quoted(FOREIGN)}\n",
    "host": f"smtp: {{host: {quoted(FOREIGN)}}}\n",
    "outbox": f"outbox: {{path: {quoted(FOREIGN)}}}\n",
    "rate": f"send: {{rate: {quoted(FOREIGN)}}}\n",
    "key": f"{quoted(FOREIGN)}: {{}}\n",
}


@pytest.mark.parametrize("extra", [pytest.param(text, id=name) for name, text in CONFIGS.items()])
def test_configurations(news: News, tmp_path: Path, extra: str) -> None:
    samples.write(tmp_path, extra=extra)
    for arguments in (
        ["check"],
        ["doctor", "--offline"],
        ["doctor", "--offline", "--json"],
        ["send", "2026-04-27", "--dry-run", "--provider", "outbox"],
    ):
        news(*arguments)


def test_a_name_that_is_shown_before_a_send(news: News, tmp_path: Path) -> None:
    config = samples.NEWSLETTER.replace("The Soup Letter", '"::error::FORGED ##[x] \u202e [red]x"')
    (tmp_path / "newsletter.yml").write_text(config)
    news("subscribers", "add", "a@example.com")
    shown = news("send", "2026-04-27", "--dry-run", "--provider", "outbox")
    assert "[red]x" in shown.output


@pytest.mark.parametrize(
    "environment",
    [
        {"NEWS_DATABASE_URL": FOREIGN},
        {"NEWS_DATABASE_URL": f"postgresql://a:b@127.0.0.1:9/{quoted(FOREIGN)}"},
        {"NEWS_DATABASE_URL": f"sqlite:///{CONTROLS}/{FOREIGN}"},
        {"NEWS_SECRET_KEY": FOREIGN},
    ],
    ids=["url", "postgresql", "sqlite", "key"],
)
def test_the_environment(news: News, tmp_path: Path, environment: dict[str, str]) -> None:
    for arguments in (["status"], ["doctor", "--offline"], ["-vv", "status"]):
        news(*arguments, **environment)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    for arguments in (["status"], ["doctor", "--offline"]):
        news(*arguments)


def test_subscribers_in_a_file(news: News, tmp_path: Path) -> None:
    lines = [
        f"{n}@example.com,{quoted(text)[1:-1]}" for n, text in enumerate((FOREIGN, "\u202e##[x]", "x" * 9000))
    ]
    raw = [
        "c@example.com,::error::FORGED \u202e\x7f",
        "::error::FORGED,x",
        f"{CONTROLS},x",
        f"{'w' * 90_000},x",
    ]
    name = tmp_path / f"::error::{CONTROLS}\n::error::FORGED.csv"
    name.write_text("\n".join(["address,name", *lines, *raw, f'd@example.com,"{FOREIGN}"']), newline="")
    news("-vv", "subscribers", "import", str(name))
    news("subscribers", "list")
    (tmp_path / "columns.csv").write_text(
        f'address,"{FOREIGN}","{LONG[:90_000]}"\na@example.com,x,y\n', newline=""
    )
    news("subscribers", "import", "columns.csv")


def test_replies_of_a_mail_server_and_the_ledger(news: News, tmp_path: Path) -> None:
    reply = f"550-5.1.1 {CONTROLS}\x1b[35m\r\n550 ::error::FORGED ##[x] {'w' * 2000}"
    with ScriptedSmtp({"RCPT": reply}) as server:
        samples.write(tmp_path, extra=f"smtp: {{host: 127.0.0.1, port: {server.port}, security: none}}\n")
        with open_database(loader.load(tmp_path)) as database:
            # The name was never checked: a database that another program wrote.
            Subscribers(database).add(
                address.parse("a@example.com"), "::error::FORGED ##[x] \u202e\x7f\n::x::"
            )
        news("subscribers", "list")
        news(
            "send",
            "2026-04-27",
            "--provider",
            "smtp",
            "--to",
            "b@example.com",
            "--to",
            "c@example.com",
            "--yes",
        )
        assert news("send", "2026-04-27", "--provider", "smtp", "--yes").exit_code == 3
        news("doctor", "--provider", "smtp", "--offline")
    shown = news("status", "2026-04-27")
    assert "5.1.1" in shown.output
    news("status")
    assert "a@example.com" in news("status", "2026-04-27", "--list", "refused").output
    json.loads(news("status", "2026-04-27", "--json").stdout)
    with ScriptedSmtp(greeting=f"421 ::error::FORGED {CONTROLS}") as server:
        samples.write(tmp_path, extra=f"smtp: {{host: 127.0.0.1, port: {server.port}, security: none}}\n")
        news("-vv", "send", "2026-04-27", "--provider", "smtp", "--to", "b@example.com", "--yes")


def test_answers_of_the_dns_of_a_web_server_and_of_a_provider(
    news: News, tmp_path: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with worlds.opened(tmp_path, certificate) as world:
        hostile = "\x1b[35m::error::FORGED ##[x] \u202e"
        zone = {
            name: {kind: list(texts) for kind, texts in records.items()}
            for name, records in world.names.zone.items()
        }
        for records in zone.values():
            if "TXT" in records:
                records["TXT"] = [text + f" {hostile} \\010::error::FORGED" for text in records["TXT"]]
        world.names.zone = zone
        world.sendgrid.pages = {"/v3/scopes": {"scopes": [hostile]}, "/v3/mail_settings": {"result": hostile}}
        world.page.get = world.page.get._replace(status=302, headers={"Location": "/\x1b[35m::error::"})
        for arguments in (["doctor"], ["doctor", "--json"], ["-vv", "doctor"]):
            news(*arguments, "--nameserver", world.names.address, **worlds.SECRETS)


def test_a_crash(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """A mistake in news itself ends in a traceback, which may quote anything."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    program.print_crashes_safely()
    try:
        raise RuntimeError(FOREIGN)
    except RuntimeError as failure:
        sys.excepthook(type(failure), failure, failure.__traceback__)
    assert "Traceback" in harmless(capsysbinary.readouterr().err)
