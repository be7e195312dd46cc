"""Tests of the findings on secrets: set or not, valid or not, and readable by whom."""

import os
from pathlib import Path

import pytest

from newsletter.doctor.configuration import configuration
from newsletter.doctor.secrets import secrets
from newsletter.doctor.setup import Setup
from newsletter.findings import Finding
from newsletter.providers.factory import needed_secrets
from tests import samples
from tests.doctor.findings import as_text, only, states

KEY = "a key for tests, and long enough"
OLD = "a key of last year for tests"
SMTP = "provider: smtp\nsmtp: {host: mail.example.com, username: soup}\n"
IMAP = "pull: {imap: {host: mail.example.com, username: leave}}\n"
BOUNCES = IMAP.replace("pull", "bounces")
WORKER = "pull: {worker: https://leave.example.com}\n"


def make_setup(folder: Path, *, extra: str = "", dotenv: str = "", **environment: str) -> Setup:
    samples.write(folder, extra=extra)
    if dotenv:
        (folder / ".env").write_text(dotenv, encoding="utf-8")
        (folder / ".env").chmod(0o600)
    return Setup.read(folder, environment)


def run_secrets(setup: Setup, leaves_machine: bool = True) -> list[Finding]:
    secrets_set = setup.newsletter.secrets if setup.newsletter else None
    needed = needed_secrets(setup.config, secrets_set) if setup.config else ()
    return list(secrets(setup, needed, leaves_machine))


def about(name: str, findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.looked_at == name]


def test_a_configuration_that_can_be_read(tmp_path: Path) -> None:
    (finding,) = configuration(make_setup(tmp_path))
    assert finding == Finding("newsletter.yml", "ok", "can be read; The Soup Letter is sent through outbox")


def test_every_problem_of_the_configuration_with_its_line(tmp_path: Path) -> None:
    findings = list(configuration(make_setup(tmp_path, extra="langauge: en\nprovider: pigeon\n")))
    assert states(findings) == ["error", "error"]
    assert [finding.looked_at.rpartition("/")[2] for finding in findings] == [
        "newsletter.yml:6",
        "newsletter.yml:7",
    ]
    assert "did you mean `language`?" in findings[0].fix


def test_another_provider_may_not_fit_the_configuration(tmp_path: Path) -> None:
    samples.write(tmp_path, extra="provider: sendgrid\ntracking: {opens: true}\n")
    assert states(configuration(Setup.read(tmp_path, {}))) == ["ok"]
    (finding,) = configuration(Setup.read(tmp_path, {}, "smtp"))
    assert finding.state == "error" and "smtp cannot track opens or clicks" in finding.what


@pytest.mark.parametrize(
    ("extra", "name", "state"),
    [
        pytest.param("provider: sendgrid\n", "SENDGRID_API_KEY", "error", id="sendgrid"),
        pytest.param(SMTP, "SMTP_PASSWORD", "error", id="smtp-login"),
        pytest.param(SMTP.replace(", username: soup", ""), "SMTP_PASSWORD", None, id="smtp-without-login"),
        pytest.param("", "SENDGRID_API_KEY", None, id="outbox"),
        pytest.param("pull: {sendgrid: true}\n", "SENDGRID_API_KEY", "error", id="pull"),
        pytest.param(IMAP, "IMAP_PASSWORD", "error", id="mailbox"),
        pytest.param("", "WORKER_TOKEN", None, id="no-worker"),
    ],
)
def test_what_is_needed_and_not_set(tmp_path: Path, extra: str, name: str, state: str | None) -> None:
    findings = about(name, run_secrets(make_setup(tmp_path, extra=extra)))
    assert states(findings) == ([state] if state else [])
    values = {name: "a password", "SMTP_HOST": "mail.example.com", "IMAP_HOST": "mail.example.com"}
    (secret,) = about(name, run_secrets(make_setup(tmp_path, extra=extra, **values)))
    assert secret.state == "ok" and secret.what.startswith("is set in the environment")
    assert secret.what.endswith("not needed here") is (state is None)


@pytest.mark.parametrize(
    ("name", "short", "whole"),
    [
        ("POSTMARK_WEBHOOK_PASSWORD", "x" * 15, "x" * 16),
        ("RESEND_WEBHOOK_SECRET", "abcdef", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("MAILGUN_WEBHOOK_KEY", "two words, and quite long", "0123456789abcdef"),
    ],
)
def test_the_secret_of_a_webhook_is_used_by_the_server(
    tmp_path: Path, name: str, short: str, whole: str
) -> None:
    extra = f"provider: {name.partition('_')[0].lower()}\n"
    assert about(name, run_secrets(make_setup(tmp_path, extra=extra))) == []
    (wrong,) = about(name, run_secrets(make_setup(tmp_path, extra=extra, **{name: short})))
    assert wrong.state == "error" and wrong.fix and short not in as_text([wrong])
    (right,) = about(name, run_secrets(make_setup(tmp_path, extra=extra, **{name: whole})))
    assert (right.state, right.what) == ("ok", "is set in the environment, and used by news serve")


def test_what_comes_from_dotenv_is_said_to(tmp_path: Path) -> None:
    findings = run_secrets(
        make_setup(tmp_path, extra="provider: sendgrid\n", dotenv="SENDGRID_API_KEY=SG.x\n")
    )
    assert about("SENDGRID_API_KEY", findings)[0].what == "is set in .env, and sent to api.sendgrid.com only"


@pytest.mark.parametrize(
    ("extra", "values", "expected"),
    [
        pytest.param(
            "provider: sendgrid\nsendgrid: {host: https://proxy.example.com/v3}\n",
            {"SENDGRID_API_KEY": "SG.x"},
            "SENDGRID_HOST=proxy.example.com",
            id="sendgrid",
        ),
        pytest.param(SMTP, {"SMTP_PASSWORD": "x"}, "SMTP_HOST=mail.example.com", id="smtp"),
        pytest.param(IMAP, {"IMAP_PASSWORD": "x"}, "IMAP_HOST=mail.example.com", id="mailbox"),
        pytest.param(BOUNCES, {"IMAP_PASSWORD": "x"}, "IMAP_HOST=mail.example.com", id="bounces"),
        pytest.param(WORKER, {"WORKER_TOKEN": "x"}, "WORKER_HOST=leave.example.com", id="worker"),
    ],
)
def test_a_key_for_another_host(tmp_path: Path, extra: str, values: dict[str, str], expected: str) -> None:
    name = next(iter(values))
    (wrong,) = about(name, run_secrets(make_setup(tmp_path, extra=extra, **values)))
    assert wrong.state == "error" and f"{name} is not sent there" in wrong.what
    assert wrong.fix.endswith(f": {expected}")
    less_trusted = make_setup(tmp_path, extra=extra, dotenv=f"{expected}\n", **values)
    assert states(about(name, run_secrets(less_trusted))) == ["error"]
    dotenv = f"{name}={values[name]}\n{expected}\n"
    (right,) = about(name, run_secrets(make_setup(tmp_path, extra=extra, dotenv=dotenv)))
    assert right.state == "ok" and right.what.endswith(f"sent to {expected.partition('=')[2]} only")


def test_what_the_environment_hides_is_said(tmp_path: Path) -> None:
    dotenv = "SENDGRID_API_KEY=SG.new\n"
    both = make_setup(tmp_path, extra="provider: sendgrid\n", dotenv=dotenv, SENDGRID_API_KEY="SG.old")
    assert states(about("SENDGRID_API_KEY", run_secrets(both))) == ["note", "ok"]
    same = make_setup(tmp_path, extra="provider: sendgrid\n", dotenv=dotenv, SENDGRID_API_KEY="SG.new")
    assert states(about("SENDGRID_API_KEY", run_secrets(same))) == ["ok"]
    empty = make_setup(tmp_path, extra="provider: sendgrid\n", dotenv=dotenv, SENDGRID_API_KEY="")
    warning, error = about("SENDGRID_API_KEY", run_secrets(empty))
    assert (warning.state, error.state) == ("warning", "error")
    assert "hides the value in .env" in warning.what and warning.fix == "unset it: unset SENDGRID_API_KEY"


@pytest.mark.parametrize("name", ["SENDGRID_API_KEY", "NEWS_SECRET_KEY", "NEWS_DATABASE_URL"])
def test_what_is_malformed_is_an_error_and_hides_no_other(tmp_path: Path, name: str) -> None:
    findings = run_secrets(make_setup(tmp_path, extra="provider: sendgrid\n", **{name: "one\nline too many"}))
    (malformed,) = about(name, findings)
    assert malformed.state == "error" and "is malformed: it holds a line break" in malformed.what
    assert "too many" not in as_text(findings)
    assert len({finding.looked_at for finding in findings}) >= 3


def test_a_line_of_dotenv_that_is_none_is_named(tmp_path: Path) -> None:
    findings = run_secrets(make_setup(tmp_path, dotenv="NEWS_SECRET_KEY\n"))
    assert findings[0].state == "error" and findings[0].looked_at.endswith(".env:1")
    assert about("NEWS_DATABASE_URL", findings)[0].state == "ok"


def test_a_key_of_fifteen_characters_is_too_short(tmp_path: Path) -> None:
    (short,) = about("NEWS_SECRET_KEY", run_secrets(make_setup(tmp_path, NEWS_SECRET_KEY="x" * 15)))
    assert short.state == "error" and "too short" in short.what
    (long,) = about("NEWS_SECRET_KEY", run_secrets(make_setup(tmp_path, NEWS_SECRET_KEY="x" * 16)))
    assert long.state == "ok"


def test_old_keys_are_counted_and_never_missed(tmp_path: Path) -> None:
    name = "NEWS_SECRET_KEY_OLD"
    assert about(name, run_secrets(make_setup(tmp_path))) == []
    (two,) = about(name, run_secrets(make_setup(tmp_path, **{name: f"{OLD},{OLD} too"})))
    assert (two.state, two.what) == ("ok", "is set in the environment: links signed with 2 old keys work")
    findings = run_secrets(make_setup(tmp_path, **{name: f"{OLD},short"}))
    assert [one.state for one in findings if name in as_text([one])] == ["error"]
    write_key(tmp_path, OLD)
    (_, note) = about("NEWS_SECRET_KEY", run_secrets(make_setup(tmp_path, NEWS_SECRET_KEY="x" * 16)))
    assert name in note.fix
    kept = run_secrets(make_setup(tmp_path, NEWS_SECRET_KEY="x" * 16, **{name: OLD}))
    assert states(about("NEWS_SECRET_KEY", kept)) == ["ok"]


def write_key(folder: Path, key: str, mode: int = 0o600) -> Path:
    (folder / ".news").mkdir(mode=0o700)
    file = folder / ".news" / "secret"
    file.write_text(key)
    file.chmod(mode)
    return file


def test_without_a_key_the_first_send_makes_one_but_in_ci_none(tmp_path: Path) -> None:
    (locally,) = about("NEWS_SECRET_KEY", run_secrets(make_setup(tmp_path)))
    assert locally.state == "note" and "the first send creates a key" in locally.what
    (in_ci,) = about("NEWS_SECRET_KEY", run_secrets(make_setup(tmp_path, CI="true")))
    assert in_ci.state == "error" and "is lost with its machine" in in_ci.what
    assert states(
        about("NEWS_SECRET_KEY", run_secrets(make_setup(tmp_path, CI="true"), leaves_machine=False))
    ) == ["note"]
    write_key(tmp_path, KEY)
    assert about("NEWS_SECRET_KEY", run_secrets(make_setup(tmp_path, CI="true"))) == []


def test_the_file_of_the_key(tmp_path: Path) -> None:
    file = write_key(tmp_path, KEY)
    findings = run_secrets(make_setup(tmp_path))
    assert [finding.what for finding in findings if finding.looked_at.endswith("secret")] == [
        "holds the key that signs unsubscribe links"
    ]
    file.write_text("short")
    assert "holds no key" in only(run_secrets(make_setup(tmp_path)), "error").what
    file.write_bytes(b"\xff" * 32)
    assert "holds no key" in only(run_secrets(make_setup(tmp_path)), "error").what
    file.unlink()
    file.mkdir(mode=0o700)
    assert "is a folder" in only(run_secrets(make_setup(tmp_path)), "error").what


def test_two_keys_that_differ(tmp_path: Path) -> None:
    write_key(tmp_path, KEY)
    same = about("NEWS_SECRET_KEY", run_secrets(make_setup(tmp_path, NEWS_SECRET_KEY=KEY)))
    assert states(same) == ["ok"]
    other = about("NEWS_SECRET_KEY", run_secrets(make_setup(tmp_path, NEWS_SECRET_KEY=KEY[::-1])))
    assert states(other) == ["ok", "note"] and "differs from the key" in other[1].what


@pytest.mark.parametrize(
    ("url", "in_ci", "state"),
    [
        pytest.param("", False, "ok", id="file"),
        pytest.param("sqlite:///news.db", False, "ok", id="sqlite"),
        pytest.param("postgresql://news@db.example/news", True, "ok", id="postgresql-in-ci"),
        pytest.param("", True, "error", id="file-in-ci"),
        pytest.param("sqlite:///news.db", True, "error", id="sqlite-in-ci"),
    ],
)
def test_the_database_in_ci_has_to_be_persistent(tmp_path: Path, url: str, in_ci: bool, state: str) -> None:
    environment = {"CI": "true"} if in_ci else {}
    environment |= {"NEWS_DATABASE_URL": url} if url else {}
    setup = make_setup(tmp_path, **environment)
    assert states(about("NEWS_DATABASE_URL", run_secrets(setup))) == [state]
    assert states(about("NEWS_DATABASE_URL", run_secrets(setup, leaves_machine=False))) == ["ok"]


@pytest.mark.parametrize("name", [".env", ".news", ".news/secret"])
def test_files_that_others_may_read(tmp_path: Path, name: str) -> None:
    write_key(tmp_path, KEY)
    setup = make_setup(tmp_path, dotenv="SMTP_PASSWORD=soup\n")
    assert "warning" not in states(run_secrets(setup))
    path = tmp_path / name
    before = path.stat().st_mode
    path.chmod(before | 0o040)
    finding = only(run_secrets(setup), "warning")
    assert "other users of this machine may read" in finding.what and finding.fix.startswith("chmod ")
    path.chmod(before)
    assert "warning" not in states(run_secrets(setup))


def test_a_folder_called_dotenv_is_somebodys_virtual_environment(tmp_path: Path) -> None:
    os.mkdir(tmp_path / ".env", 0o755)
    assert ".env" not in as_text(run_secrets(make_setup(tmp_path)))


def test_without_a_configuration_secrets_are_looked_at_all_the_same(tmp_path: Path) -> None:
    setup = make_setup(tmp_path, extra="nonsense: 1\n", SMTP_PASSWORD="soup", NEWS_SECRET_KEY=KEY)
    findings = run_secrets(setup)
    assert setup.config is None
    assert states(about("SMTP_PASSWORD", findings)) == ["ok"]
    (skipped,) = about("secrets", findings)
    assert skipped.state == "skipped" and "newsletter.yml" in skipped.what


def test_no_secret_shows_in_a_repr(tmp_path: Path) -> None:
    setup = make_setup(tmp_path, NEWS_SECRET_KEY=KEY, dotenv="SMTP_PASSWORD=hush-hush\n")
    assert KEY not in repr(setup) and "hush-hush" not in repr(setup)


def test_the_secret_key_of_aws_signs_and_is_not_sent(tmp_path: Path) -> None:
    extra = "provider: ses\nses: {region: eu-central-1}\n"
    key = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hush-hush"}
    found = run_secrets(make_setup(tmp_path, extra=extra, **key))
    (secret,) = about("AWS_SECRET_ACCESS_KEY", found)
    assert secret.state == "ok" and "signs requests to email.eu-central-1.amazonaws.com only" in secret.what
    assert "hush" not in as_text(found)
