"""Secrets come from the environment or from .env, and no output shows them."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.config.environment import Secrets
from newsletter.errors import ConfigError

NEWSLETTER = """\
name: The Soup Letter
sender: {name: The Soup Letter, email: soup@example.com}
postal_address: 1 Kitchen Road, Example City
unsubscribe: {url: "https://soup.example.com/leave/{token}"}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("newsletter.yml").write_text(NEWSLETTER, "utf-8")


def load(dotenv: bytes | None, environment: Mapping[str, str] | None = None) -> loader.Newsletter:
    if dotenv is not None:
        Path(".env").write_bytes(dotenv)
    return loader.load(Path("."), environment or {})


def password(newsletter: loader.Newsletter) -> str | None:
    secret = newsletter.secrets.smtp_password
    return secret and secret.get_secret_value()


def refused(dotenv: bytes | None, environment: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(dotenv, environment)
    return [str(problem) for problem in raised.value.problems]


def test_all_secrets_come_from_the_environment_and_none_shows() -> None:
    names = ("SENDGRID_API_KEY", "SMTP_PASSWORD", "NEWS_SECRET_KEY", "NEWS_DATABASE_URL")
    newsletter = load(None, {name: f"hush-{name}" for name in names})
    secrets = newsletter.secrets
    values = (secrets.sendgrid_api_key, secrets.smtp_password, secrets.secret_key, secrets.database_url)
    assert [secret and secret.get_secret_value() for secret in values] == [f"hush-{name}" for name in names]
    assert "hush" not in f"{newsletter!r} {newsletter} {secrets!r} {secrets}"


def test_without_an_environment_there_are_no_secrets() -> None:
    assert load(None).secrets == Secrets()


@pytest.mark.parametrize(
    ("dotenv", "value"),
    [
        pytest.param(b"SMTP_PASSWORD=hush\n", "hush", id="plain"),
        pytest.param(b"export SMTP_PASSWORD='hu sh'  # a comment\n", "hu sh", id="quoted"),
        pytest.param(b"\xef\xbb\xbfSMTP_PASSWORD=hush\r\n", "hush", id="BOM-and-CRLF"),
        pytest.param("SMTP_PASSWORD=größe\n".encode(), "größe", id="letters"),
        pytest.param(b"HOME=x\nSMTP_PASSWORD=a${HOME}b$HOME\n", "a${HOME}b$HOME", id="dollars-stay"),
        pytest.param(b"# nothing\n\nSMTP_PASSWORD=\n", None, id="empty"),
        pytest.param(b"", None, id="empty-file"),
        pytest.param(None, None, id="no-file"),
    ],
)
def test_a_dotenv_file(dotenv: bytes | None, value: str | None) -> None:
    assert password(load(dotenv)) == value


def test_the_environment_comes_before_dotenv() -> None:
    assert password(load(b"SMTP_PASSWORD=file\n", {"SMTP_PASSWORD": "environment"})) == "environment"
    assert password(load(b"SMTP_PASSWORD=file\n", {"SMTP_PASSWORD": ""})) is None
    assert password(load(b"SMTP_PASSWORD=file\n", {"SENDGRID_API_KEY": "environment"})) == "file"


def test_the_environment_is_the_process_own_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "process")
    assert password(loader.load(Path("."))) == "process"
    assert password(loader.load(Path("."), {})) is None


def test_reading_dotenv_leaves_the_process_alone() -> None:
    load(b"NEWS_TEST_OF_DOTENV=1\n")
    assert "NEWS_TEST_OF_DOTENV" not in os.environ


@pytest.mark.parametrize(
    ("dotenv", "problems"),
    [
        pytest.param(
            b"\xff\xfeS\0", [".env:1: the file is not UTF-8 text; save the file as UTF-8"], id="UTF-16"
        ),
        pytest.param(
            b"A=b\nSMTP_PASSWORD=\xe9\n",
            [".env:2: the file is not UTF-8 text; save the file as UTF-8"],
            id="latin-1",
        ),
        pytest.param(
            b"A=\0\n",
            [".env:1: the file has a NUL character, so it is not text; save the file as UTF-8 text"],
            id="binary",
        ),
        pytest.param(
            b"A=b\nSMTP_PASSWORD: hush\n\nSENDGRID_API_KEY\nNEWS_SECRET_KEY='open\n",
            [
                ".env:2: the line is not a NAME=value line; correct it, or delete it",
                ".env:4: the line is not a NAME=value line; correct it, or delete it",
                ".env:5: the line is not a NAME=value line; correct it, or delete it",
            ],
            id="not-NAME=value",
        ),
        pytest.param(b"x" * 2_000_001, [".env: is larger than 2,000,000 bytes; shorten it"], id="large"),
    ],
)
def test_a_dotenv_file_that_cannot_be_read(dotenv: bytes, problems: list[str]) -> None:
    assert refused(dotenv) == problems
    assert "hush" not in "".join(problems)


def test_a_dangling_dotenv_is_not_passed_over() -> None:
    Path(".env").symlink_to("nowhere")
    assert refused(None) == [
        ".env: cannot be read (No such file or directory); check its name and permissions"
    ]


def test_a_folder_named_dotenv_is_a_virtual_environment() -> None:
    Path(".env").mkdir()
    assert load(None).secrets == Secrets()


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX-Header: b", "a\0b", os.fsdecode(b"a\xff")])
def test_a_secret_that_would_end_a_header_is_refused_unseen(value: str) -> None:
    assert refused(None, {"SENDGRID_API_KEY": value}) == [
        "environment: SENDGRID_API_KEY contains a line break or an invisible character; "
        "set it again as one line"
    ]


def test_space_around_a_secret_is_dropped() -> None:
    assert password(load(None, {"SMTP_PASSWORD": " hush\n"})) == "hush"


@pytest.mark.parametrize(
    ("value", "in_ci"),
    [("true", True), ("1", True), ("woodpecker", True), ("", False), ("0", False), ("False", False)],
)
def test_a_machine_that_is_not_kept(value: str, in_ci: bool) -> None:
    assert load(None, {"CI": value}).in_ci is in_ci
    assert load(f"CI={value}\n".encode()).in_ci is in_ci


def test_the_states_file_comes_after_the_environment_and_before_dotenv() -> None:
    Path(".news").mkdir()
    Path(".news/env").write_text("SMTP_PASSWORD=state\nSENDGRID_API_KEY=state\n")
    newsletter = load(b"SMTP_PASSWORD=dotenv\nNEWS_SECRET_KEY=dotenv\n", {"SENDGRID_API_KEY": "environment"})
    secrets = newsletter.secrets
    values = (secrets.sendgrid_api_key, secrets.smtp_password, secrets.secret_key)
    assert [secret and secret.get_secret_value() for secret in values] == ["environment", "state", "dotenv"]
    review = loader.load(Path("."), {}, review=True).secrets
    assert password(newsletter) == "state" and review.secret_key is None and review.smtp_password is not None


def test_a_mistake_in_the_states_file_is_named() -> None:
    Path(".news").mkdir()
    Path(".news/env").write_text("SMTP_PASSWORD\n")
    assert refused(None) == [".news/env:1: the line is not a NAME=value line; correct it, or delete it"]
