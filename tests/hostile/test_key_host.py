"""A provider's host in a stranger's newsletter.yml: it gets no key that is for another host."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.config.environment import merged
from newsletter.config.key_hosts import (
    MAILBOX_OWNERS,
    key_problem,
    mailbox_key,
    provider_key_problem,
    worker_key,
)
from newsletter.errors import Problem
from newsletter.mail.message import Batch
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace
from newsletter.providers.factory import open_provider
from newsletter.sending.outcomes import NotSent
from tests import samples
from tests.fakes.sendgrid import SendGridFake
from tests.fakes.smtp import ScriptedSmtp

KEY = "SG.hush-hush"
NO_HOSTS = {"SENDGRID_HOST": "", "SMTP_HOST": "", "IMAP_HOST": "", "WORKER_HOST": ""}
News = Callable[..., Result]


def sendgrid(url: str) -> str:
    return f"provider: sendgrid\nsendgrid: {{host: '{url}'}}\n"


def smtp(host: str, more: str = "username: soup") -> str:
    return f"provider: smtp\nsmtp: {{host: '{host}', {more}}}\n"


@pytest.mark.parametrize(
    ("extra", "environment", "line"),
    [
        pytest.param(sendgrid("https://api.sendgrid.com"), {}, None, id="global"),
        pytest.param(sendgrid("https://API.EU.sendgrid.com./"), {}, None, id="europe"),
        pytest.param(sendgrid("https://api.sendgrid.com:443/x"), {}, None, id="port-and-path"),
        pytest.param(
            sendgrid("https://api.sendgrid.com:8443"), {}, "SENDGRID_HOST=api.sendgrid.com:8443", id="port"
        ),
        pytest.param(
            sendgrid("https://a.example.com:8443"),
            {"SENDGRID_HOST": "a.example.com"},
            "SENDGRID_HOST=a.example.com:8443",
            id="named-without-port",
        ),
        pytest.param(
            sendgrid("https://a.example.com:8443"),
            {"SENDGRID_HOST": "A.example.com:8443"},
            None,
            id="port-named",
        ),
        pytest.param(
            sendgrid("https://a.example.com"),
            {"SENDGRID_HOST": "a.example.com:8443"},
            "SENDGRID_HOST=a.example.com",
            id="another-port-named",
        ),
        pytest.param(
            smtp("mail.example.com", "username: soup, port: 587"),
            {"SMTP_HOST": "mail.example.com"},
            None,
            id="587",
        ),
        pytest.param(
            smtp("mail.example.com", "username: soup, port: 1025"),
            {"SMTP_HOST": "mail.example.com"},
            "SMTP_HOST=mail.example.com:1025",
            id="smtp-port",
        ),
        pytest.param(
            smtp("2001:db8::1", "username: soup, port: 1025"),
            {"SMTP_HOST": "2001:db8::1"},
            "SMTP_HOST=[2001:db8::1]:1025",
            id="smtp-port-ipv6",
        ),
        pytest.param(
            smtp("2001:db8::1", "username: soup, port: 1025"),
            {"SMTP_HOST": "[2001:db8::1]:1025"},
            None,
            id="ipv6",
        ),
        pytest.param(
            smtp("mail.example.com"),
            {"SMTP_HOST": "mail.example.com:99999999999"},
            "SMTP_HOST=mail.example.com",
            id="no-port",
        ),
        pytest.param(sendgrid("https://a.example.com"), {}, "SENDGRID_HOST=a.example.com", id="other"),
        pytest.param(
            sendgrid("https://api.sendgrid.com.a.example/"),
            {},
            "SENDGRID_HOST=api.sendgrid.com.a.example",
            id="longer",
        ),
        pytest.param(
            sendgrid("https://a.example.com?api.sendgrid.com"), {}, "SENDGRID_HOST=a.example.com", id="query"
        ),
        pytest.param(sendgrid("http://127.0.0.1:1"), {}, "SENDGRID_HOST=127.0.0.1", id="loopback"),
        pytest.param(sendgrid("http://localhost:1"), {}, "SENDGRID_HOST=localhost", id="localhost"),
        pytest.param(
            sendgrid("https://a.example.com"), {"SENDGRID_HOST": "A.example.com."}, None, id="named"
        ),
        pytest.param(
            sendgrid("https://api.sendgrid.com"),
            {"SENDGRID_HOST": "a.example.com"},
            "SENDGRID_HOST=api.sendgrid.com",
            id="named-another",
        ),
        pytest.param(
            sendgrid("https://a.example.com"),
            {"SMTP_HOST": "a.example.com"},
            "SENDGRID_HOST=a.example.com",
            id="named-for-smtp",
        ),
        pytest.param(smtp("mail.example.com"), {}, "SMTP_HOST=mail.example.com", id="smtp"),
        pytest.param(smtp("127.0.0.1"), {}, "SMTP_HOST=127.0.0.1", id="smtp-loopback"),
        pytest.param(smtp("mail.example.com"), {"SMTP_HOST": "mail.example.com"}, None, id="smtp-named"),
        pytest.param(
            smtp("mail.example.com"),
            {"SMTP_HOST": "smtp.example.com"},
            "SMTP_HOST=mail.example.com",
            id="smtp-named-another",
        ),
        pytest.param(smtp("mail.example.com", "port: 25"), {}, None, id="smtp-without-login"),
        pytest.param("provider: outbox\nsmtp: {username: soup}\n", {}, None, id="outbox"),
    ],
)
def test_a_key_is_for_one_host(
    extra: str, environment: dict[str, str], line: str | None, tmp_path: Path
) -> None:
    secrets = {"SENDGRID_API_KEY": KEY, "SMTP_PASSWORD": KEY, **NO_HOSTS, **environment}
    problem = provider_key_problem(samples.newsletter(tmp_path, extra=extra, **secrets))
    if line is None:
        assert problem is None
    else:
        assert problem and problem.fix.endswith(f" is set: {line}")
        assert problem.where.endswith("newsletter.yml:7") and KEY not in str(problem)


def test_a_mistyped_host_is_to_be_corrected_first(tmp_path: Path) -> None:
    extra = "provider: mailgun\nmailgun: {host: 'https://api.eu.mailgun.com'}\n"
    problem = provider_key_problem(samples.newsletter(tmp_path, extra=extra, MAILGUN_API_KEY=KEY, **NO_HOSTS))
    assert problem and problem.fix == (
        "correct `mailgun.host` (api.mailgun.net or api.eu.mailgun.net); or, if api.eu.mailgun.com is to have"
        " it, set this where MAILGUN_API_KEY is set: MAILGUN_HOST=api.eu.mailgun.com"
    )


def test_a_variable_of_a_host_that_the_file_does_not_name_is_the_place(tmp_path: Path) -> None:
    environment = {**NO_HOSTS, "RESEND_API_KEY": KEY, "RESEND_HOST": "127.0.0.1"}
    problem = provider_key_problem(samples.newsletter(tmp_path, extra="provider: resend\n", **environment))
    assert problem == Problem(
        "RESEND_HOST",
        "is 127.0.0.1, but without `resend.host`, news calls api.resend.com, so RESEND_API_KEY is not sent"
        " there",
        "write `resend.host` in newsletter.yml, or unset RESEND_HOST",
    )


IMAP = "pull: {imap: {host: mail.example.com, username: leave}}\n"
BOUNCES = IMAP.replace("pull", "bounces")
WORKER = "pull: {worker: 'https://leave.example.com'}\n"


@pytest.mark.parametrize(
    ("extra", "environment", "line"),
    [
        pytest.param(IMAP, {}, "IMAP_HOST=mail.example.com", id="imap"),
        pytest.param(IMAP, {"IMAP_HOST": "mail.example.com"}, None, id="imap-named"),
        pytest.param(IMAP, {"SMTP_HOST": "mail.example.com"}, "IMAP_HOST=mail.example.com", id="imap-smtp"),
        pytest.param(
            IMAP.replace("leave}", "leave, port: 1993}"),
            {"IMAP_HOST": "mail.example.com"},
            "IMAP_HOST=mail.example.com:1993",
            id="imap-port",
        ),
        pytest.param(BOUNCES, {}, "IMAP_HOST=mail.example.com", id="bounces"),
        pytest.param(BOUNCES, {"IMAP_HOST": "mail.example.com"}, None, id="bounces-named"),
        pytest.param(WORKER, {}, "WORKER_HOST=leave.example.com", id="worker"),
        pytest.param(WORKER, {"WORKER_HOST": "leave.example.com"}, None, id="worker-named"),
        pytest.param(
            WORKER, {"WORKER_HOST": "a.example"}, "WORKER_HOST=leave.example.com", id="other-worker"
        ),
    ],
)
def test_a_secret_of_a_pull_is_for_one_host(
    extra: str, environment: dict[str, str], line: str | None, tmp_path: Path
) -> None:
    secrets = {"IMAP_PASSWORD": KEY, "WORKER_TOKEN": KEY, **NO_HOSTS, **environment}
    newsletter = samples.newsletter(tmp_path, extra=extra, **secrets)
    mailbox_keys = [mailbox_key(newsletter, owner) for owner in MAILBOX_OWNERS]
    (key,) = filter(None, (*mailbox_keys, worker_key(newsletter)))
    problem = key_problem(newsletter, key)
    assert (problem is None) == (line is None)
    assert problem is None or (
        problem.fix.endswith(line or "") and problem.where.endswith("newsletter.yml:6")
    )
    assert KEY not in repr(key) and KEY not in str(problem)


def test_no_provider_holds_a_key_for_another_host(tmp_path: Path) -> None:
    """A caller that does not ask for the problems of a provider cannot send."""
    with SendGridFake() as fake, ScriptedSmtp() as server:
        for extra in (sendgrid(fake.url), smtp("127.0.0.1", f"port: {server.port}, username: soup")):
            secrets = {"SENDGRID_API_KEY": KEY, "SMTP_PASSWORD": KEY, **NO_HOSTS}
            provider = open_provider(samples.newsletter(tmp_path, extra=extra, **secrets))
            outcome = provider.submit(sample_batch(tmp_path), samples.SubmissionLog())
            assert isinstance(outcome, NotSent) and outcome.stop and "is not sent there" in outcome.reason
            assert KEY not in repr(vars(provider))
            provider.close()
        assert (fake.connections, server.connections) == (0, 0)


def sample_batch(folder: Path) -> Batch:
    return samples.batch(samples.mailing(folder))


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> News:
    """Return a function that runs `news` with a key that is for no host but SendGrid's own."""
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY", *NO_HOSTS):
        monkeypatch.delenv(name, raising=False)
    for name in ("SENDGRID_API_KEY", "SMTP_PASSWORD"):
        monkeypatch.setenv(name, KEY)
    (tmp_path / "subscribers.csv").write_text("address,name\nada@example.com,Ada\nbo@example.com,Bo\n")

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(main, arguments, env=environment)

    return run


@pytest.fixture
def thief() -> Iterator[SendGridFake]:
    """Start the server that the branch names."""
    with SendGridFake() as fake:
        yield fake


def refused(result: Result) -> bool:
    return result.exit_code != 0 and "SENDGRID_HOST=localhost" in " ".join(result.output.split())


def test_no_command_gives_the_key_away(news: News, tmp_path: Path, thief: SendGridFake) -> None:
    with SendGridFake(key=KEY) as fake:
        for name in ("2026-04-20", "2026-04-27", "2026-05-04"):
            samples.write(tmp_path, extra=sendgrid(fake.url), name=name)
        news("subscribers", "import", "subscribers.csv")
        news("send", "2026-04-20", "--yes", SENDGRID_HOST="127.0.0.1")
        news("send", "2026-04-27", "--yes", "--canary", "1", SENDGRID_HOST="127.0.0.1")
        assert len(fake.requests) > 2
    samples.write(tmp_path, extra=sendgrid(thief.url.replace("127.0.0.1", "localhost")))
    assert refused(news("cancel", "2026-04-20", "--yes"))
    assert refused(news("resume", "2026-04-27", "--yes"))
    assert refused(news("send", "2026-05-04", "--yes"))
    assert refused(news("send", "2026-05-04", "--to", "me@example.com"))
    assert refused(news("send", "2026-05-04", "--dry-run"))
    assert refused(news("doctor", "--offline"))
    assert thief.connections == 0


def test_the_previews_test_message_gives_no_key_away(news: News, tmp_path: Path, thief: SendGridFake) -> None:
    with ScriptedSmtp() as server:
        login = f"port: {server.port}, username: soup"
        samples.write(tmp_path, extra=sendgrid(thief.url) + smtp("localhost", login).partition("\n")[2])
        said = [asyncio.run(send_me_a_test(tmp_path, provider)) for provider in ("sendgrid", "smtp")]
        assert (thief.connections, server.connections) == (0, 0)
    assert "SENDGRID_HOST=127.0.0.1" in said[0] and "SMTP_HOST=localhost" in said[1]


async def send_me_a_test(folder: Path, provider: str) -> str:
    """Click "send me a test" in the preview; return the answer on the page."""
    transport = httpx.ASGITransport(app(Workspace(folder)), client=("127.0.0.1", 1))
    headers = {"Host": "127.0.0.1:8025", "Origin": "http://127.0.0.1:8025"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
        body = {"issue": "2026-04-27", "address": "me@example.com", "provider": provider}
        answer = (await browser.post("/test", headers=headers, json=body)).json()
    assert answer["ok"] is False
    return str(answer["said"])


@pytest.mark.parametrize(
    ("sources", "host"),
    [
        pytest.param([{"SMTP_PASSWORD": KEY}, {"SMTP_HOST": "a.example"}], None, id="less-trusted"),
        pytest.param([{}, {"SMTP_PASSWORD": KEY}, {"SMTP_HOST": "a.example"}], None, id="dotenv"),
        pytest.param([{"SMTP_HOST": "b.example"}, {"SMTP_PASSWORD": KEY}], "b.example", id="more-trusted"),
        pytest.param([{}, {"SMTP_PASSWORD": KEY, "SMTP_HOST": "b.example"}], "b.example", id="beside"),
        pytest.param(
            [{"SMTP_HOST": "b.example"}, {"SMTP_PASSWORD": KEY, "SMTP_HOST": "a.example"}],
            "b.example",
            id="both",
        ),
        pytest.param(
            [{"SMTP_PASSWORD": " "}, {"SMTP_PASSWORD": KEY, "SMTP_HOST": "b.example"}],
            "b.example",
            id="blank",
        ),
    ],
)
def test_a_host_counts_only_from_the_source_of_its_key(
    sources: list[dict[str, str]], host: str | None
) -> None:
    """A `.env` that came with a branch must not direct the key of the environment to another host."""
    assert merged(sources).get("SMTP_HOST") == host


def test_a_dotenv_directs_no_key_of_the_environment(tmp_path: Path) -> None:
    folder = samples.write(tmp_path, extra=smtp("mail.example.com", "username: soup"))
    (folder / ".env").write_text("SMTP_HOST=mail.example.com\n")
    assert provider_key_problem(loader.load(folder, {"SMTP_PASSWORD": KEY}))
    (folder / ".env").write_text(f"SMTP_HOST=mail.example.com\nSMTP_PASSWORD={KEY}\n")
    assert provider_key_problem(loader.load(folder, {})) is None
