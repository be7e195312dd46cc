"""newsletter.yml: valid content, and the messages for invalid content."""

from pathlib import Path

import pytest

from newsletter.config import loader, model
from newsletter.config.provider_facts import TRACKING_PROVIDERS
from newsletter.constants import PROVIDERS
from newsletter.errors import ConfigError, IssueError
from newsletter.providers.factory import open_provider
from newsletter.render.pipeline import render
from tests.render import material

PARTS = {
    "name": "The Soup Letter",
    "sender": "{name: The Soup Letter, email: soup@example.com}",
    "postal_address": "1 Kitchen Road, Example City",
    "unsubscribe": '{url: "https://soup.example.com/leave/{token}", mailto: leave@example.com}',
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(**parts: str | None) -> loader.Newsletter:
    """Load a newsletter with some parts changed or left out; parts beyond PARTS start at line 5."""
    written = {**PARTS, **parts}
    text = "".join(f"{key}: {value}\n" for key, value in written.items() if value is not None)
    Path("newsletter.yml").write_text(text, "utf-8")
    return loader.load(Path("."), {})


def problems(**parts: str | None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(**parts)
    return [str(problem) for problem in raised.value.problems]


def test_little_is_needed() -> None:
    loaded = load()
    assert loaded.config.sender.email == "soup@example.com"
    assert loaded.config.provider == "outbox"
    assert loaded.config.language == "en"
    assert not loaded.config.tracking.opens
    assert not loaded.config.tracking.clicks
    assert not loaded.in_ci


def test_all_that_can_be_said() -> None:
    loaded = load(
        reply_to="cook@example.com",
        site="https://soup.example.com/",
        list_id="soup.example.com",
        language="de-AT",
        provider="sendgrid",
        outbox="{path: ../outbox}",
        smtp="{host: mail.example.com, port: 465, security: tls, username: null}",
        sendgrid="{host: https://api.eu.sendgrid.com/}",
        tracking="{opens: true, clicks: false}",
        labels="{read_story: Zum Rezept}",
        clients="[gmail]",
        checks='{links: {severity: "off", reason: all of them are}, alt_texts: error}',
    ).config
    assert loaded.site == "https://soup.example.com"
    assert loaded.smtp.port == 465
    assert loaded.smtp.username is None
    assert loaded.sendgrid.host == "https://api.eu.sendgrid.com"
    assert loaded.clients == ("gmail",)
    assert loaded.checks == {
        "links": model.CheckSetting(severity="off", reason="all of them are"),
        "alt_texts": model.CheckSetting(severity="error"),
    }


def test_the_newsletter_of_this_repository_is_valid() -> None:
    loaded = loader.load(Path(__file__).parent.parent.parent, {})
    assert loaded.config.name == "Trending ML Papers"
    assert loaded.issues == loaded.folder / "issues"
    assert loaded.templates == loaded.folder / "templates"


def test_rendering_sees_what_it_needs() -> None:
    site = load(site="https://soup.example.com", labels="{read_story: Cook it}").site
    assert (site.name, site.postal_address, site.language) == (PARTS["name"], PARTS["postal_address"], "en")
    assert site.url == "https://soup.example.com"
    assert site.labels["read_story"] == "Cook it"
    assert site.description is None
    assert load(description="A soup a week.").site.description == "A soup a week."
    assert site.labels["untracked"].startswith("Nothing in this mail watches you")


def test_a_tracked_newsletter_does_not_say_that_it_is_not() -> None:
    assert load(provider="sendgrid", tracking="{clicks: true}").site.labels["untracked"] == ""


KEYS = (
    "name, sender, postal_address, provider, unsubscribe, pull, sign_up, reply_to, site, archive, list_id, "
    "language, description, logo, date_line, contents, theme, colors, fonts, outbox, smtp, sendgrid, "
    "resend, ses, postmark, mailgun, bounces, send, serve, state, tracking, labels, clients, checks, sources"
)
TOKEN = (
    "unsubscribe.url needs {token} exactly once, after the host; "
    "put {token} where each subscriber's token goes"
)
TRACKERS = " or ".join(filter(None, (", ".join(TRACKING_PROVIDERS[:-1]), TRACKING_PROVIDERS[-1])))
ONE_OF = f"{', '.join(map(repr, PROVIDERS[:-1]))} or {PROVIDERS[-1]!r}"
CLEAR = "sendgrid.host would send the API key without encryption; write https://…"


def address(key: str, text: str, reason: str) -> str:
    return f'{key}: "{text}" is not an email address ({reason}); write it as name@example.com'


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        pytest.param("name", '""', "name is empty; fill it in", id="no-name"),
        pytest.param("name", None, "name is missing; add `name:`", id="name-missing"),
        pytest.param("sender", None, "sender is missing; add `sender:`", id="sender-missing"),
        pytest.param(
            "unsubscribe", None, "unsubscribe is missing; add `unsubscribe:`", id="unsubscribe-missing"
        ),
        pytest.param(
            "sender",
            "soup@example.com",
            'sender holds no keys ("soup@example.com"); write it with its keys: name, email',
            id="sender-address-alone",
        ),
        pytest.param(
            "tracking",
            "yes",
            'tracking holds no keys ("yes"); write it with its keys: opens, clicks',
            id="yes-in-the-place-of-keys",
        ),
        pytest.param(
            "archive",
            "yes",
            'archive is "yes"; write false for a newsletter without an archive, or {sign_up: form}',
            id="yes-where-false-is-right",
        ),
        pytest.param(
            "sender", "{name: Soup}", "sender.email is missing; add `email:`", id="sender-without-address"
        ),
        pytest.param(
            "sender",
            "{name: Soup, email: soup}",
            address("sender.email", "soup", "an email address must have an @-sign"),
            id="sender-address-bad",
        ),
        pytest.param(
            "reply_to",
            "Cook <cook@example.com>",
            address(
                "reply_to",
                "Cook <cook@example.com>",
                "a display name and angle brackets around the email address are not permitted here",
            ),
            id="reply-with-a-name",
        ),
        pytest.param(
            "reply_to",
            '"a@example.com\\nBcc: b@example.com"',
            address(
                "reply_to",
                "a@example.com\\u000aBcc: b@example.com",
                "the part after the @-sign contains invalid characters: ':', '@', SPACE, U+000A",
            ),
            id="reply-with-a-header",
        ),
        pytest.param("unsubscribe", "{url: https://example.com/leave}", TOKEN, id="no-token"),
        pytest.param("unsubscribe", '{url: "https://example.com/{token}/{token}"}', TOKEN, id="two-tokens"),
        pytest.param("unsubscribe", '{url: "https://{token}.example.com/"}', TOKEN, id="token-in-the-host"),
        pytest.param(
            "unsubscribe", '{url: "https://example.com/#{token}"}', TOKEN, id="token-in-the-fragment"
        ),
        pytest.param(
            "unsubscribe",
            '{url: "http://example.com/{token}"}',
            "unsubscribe.url is not https; "
            "write https://…: mail programs unsubscribe over https only (RFC 8058)",
            id="unsubscribe-over-http",
        ),
        pytest.param(
            "unsubscribe",
            '{url: "{token}"}',
            'unsubscribe.url is not a web address ("{token}"); write the whole address: https://…',
            id="unsubscribe-no-address",
        ),
        pytest.param(
            "unsubscribe",
            "{}",
            "unsubscribe needs `url`, `sendgrid_group` or `mailto`; "
            "add one: subscribers must be able to unsubscribe",
            id="no-way-to-leave",
        ),
        pytest.param(
            "pull",
            "{imap: {host: mail.example.com, username: leave, security: none}}",
            "pull.imap would send the password in clear; write `security: tls` or `security: starttls`",
            id="mailbox-without-encryption",
        ),
        pytest.param(
            "pull",
            '{worker: "http://leave.example.com"}',
            "pull.worker would send the API key without encryption; write https://…",
            id="worker-without-encryption",
        ),
        pytest.param(
            "sign_up",
            "{mailto: join@example.com}",
            "sign_up needs a mailbox that is read; add `pull.imap`, the mailbox to which its mail comes",
            id="sign-up-without-mailbox",
        ),
        pytest.param(
            "unsubscribe",
            '{url: "https://example.com/{token}", sendgrid_group: 5}',
            "unsubscribe has both `url` and `sendgrid_group`; delete one of them",
            id="both-ways-to-leave",
        ),
        pytest.param(
            "unsubscribe",
            "{sendgrid_group: 12345}",
            "unsubscribe: sendgrid_group does not work with outbox; "
            "write `url` instead, or send with `provider: sendgrid`",
            id="group-of-another-provider",
        ),
        pytest.param(
            "unsubscribe",
            "{sendgrid_group: 0}",
            "unsubscribe.sendgrid_group is 0; write 1 or more",
            id="group-0",
        ),
        pytest.param(
            "tracking",
            "{clicks: true}",
            f"tracking: outbox cannot track opens or clicks; delete `tracking:`, or send with {TRACKERS}",
            id="tracking",
        ),
        pytest.param(
            "tracking",
            "{opens: yes}",
            'tracking.opens: YAML reads yes as true or false; quote it: "yes", or write true or false',
            id="yes",
        ),
        pytest.param(
            "provider",
            "smpt",
            f'provider is "smpt"; write one of {ONE_OF}',
            id="provider",
        ),
        pytest.param(
            "site",
            "example.com",
            'site is not a web address ("example.com"); write the whole address: https://…',
            id="site",
        ),
        pytest.param(
            "language",
            "English (UK)",
            "language is not a language code; write one such as en or pt-BR",
            id="language",
        ),
        pytest.param(
            "language",
            "no",
            'language: YAML reads no as true or false; quote it: "no", or write true or false',
            id="Norwegian",
        ),
        pytest.param(
            "list_id",
            "<a.example>",
            "list_id is not a list id; write one such as papers.example.com",
            id="list-id",
        ),
        pytest.param(
            "outbox", '{path: ""}', "outbox.path is empty; fill it in, or delete the key", id="outbox"
        ),
        pytest.param("smtp", "{port: 0}", "smtp.port is 0; write 1 or more", id="port-0"),
        pytest.param("smtp", "{port: 65536}", "smtp.port is 65536; write 65535 or less", id="port-too-high"),
        pytest.param(
            "smtp",
            '{port: "25"}',
            'smtp.port is not a whole number ("25"); write it in digits, without quotes',
            id="port",
        ),
        pytest.param(
            "smtp",
            "{security: ssl}",
            "smtp.security is \"ssl\"; write one of 'none', 'starttls' or 'tls'",
            id="security",
        ),
        pytest.param(
            "smtp",
            "{host: smtp://mail.example.com}",
            "smtp.host is not a host name; write only the host name, such as mail.example.com",
            id="smtp-host",
        ),
        pytest.param(
            "smtp",
            "{password: x}",
            "smtp.password is an unknown key; the keys are host, port, security, username, connections",
            id="password",
        ),
        pytest.param("sendgrid", "{host: http://api.example.com}", CLEAR, id="clear"),
        pytest.param("sendgrid", "{host: http://127.0.0.1.evil.example}", CLEAR, id="clear-like-loopback"),
        pytest.param("sendgrid", "{host: http://localhost.evil.example}", CLEAR, id="clear-like-localhost"),
        pytest.param("sendgrid", "{host: http://0.0.0.0}", CLEAR, id="clear-any-address"),
        pytest.param(
            "sendgrid", "{host: http://example.com?@localhost}", CLEAR, id="clear-localhost-in-the-query"
        ),
        pytest.param(
            "sendgrid",
            "{host: http://localhost@evil.example}",
            'sendgrid.host has a user name in the web address ("http://localhost@evil.example"); '
            "delete the part before the @",
            id="localhost-as-a-user",
        ),
        pytest.param(
            "sendgrid",
            "{host: 'http://localhost\\@evil.example'}",
            'sendgrid.host has a backslash in the web address ("http://localhost\\@evil.example"); '
            "delete it, or write it as %5C",
            id="localhost-and-a-backslash",
        ),
        pytest.param(
            "labels",
            "{months: Jan Feb Mar}",
            'labels.months has 3 words; write the twelve months with spaces between: "January February …"',
            id="months",
        ),
        pytest.param(
            "labels",
            "{read_storie: Go}",
            "labels.read_storie is an unknown key; did you mean `read_story`?",
            id="label",
        ),
        pytest.param(
            "checks",
            "{links: none}",
            'checks.links is "none"; write one of off, error, warning, note',
            id="check",
        ),
        pytest.param(
            "checks",
            '{links: "off"}',
            'checks.links has no reason; write {severity: "off", reason: why it is switched off}',
            id="check-off-without-a-reason",
        ),
        pytest.param(
            "checks",
            "{links: off}",
            'checks.links has no reason; write {severity: "off", reason: why it is switched off}',
            id="check-off",
        ),
        pytest.param(
            "checks",
            "[links]",
            "checks holds no keys (a list); write `key: value` lines below it",
            id="checks",
        ),
        pytest.param(
            "send",
            "{undo_window: 5m}",
            "send.undo_window is 5m; "
            "write 15m to 24h, or off: a send can be cancelled until 10 minutes before the mail leaves",
            id="undo-window",
        ),
        pytest.param(
            "send",
            "{undo_window: soon}",
            'send.undo_window has the value "soon", which cannot be read; write 30m, 2h or off',
            id="no-span",
        ),
        pytest.param(
            "send",
            "{stop_when_refused: 500%}",
            'send.stop_when_refused has the value "500%", which cannot be read; write 5% or off',
            id="no-share",
        ),
        pytest.param(
            "send",
            "{rate: '20/s, fast'}",
            'send.rate has the value "20/s, fast", which cannot be read; write 20/s, or "20/s, 100k/day"',
            id="no-rate",
        ),
        pytest.param(
            "state",
            "{remote: }",
            "state has no address in `remote:`; write git for the remote `origin`, or fill it in",
            id="forgotten-remote",
        ),
        pytest.param("traking", "{}", "traking is an unknown key; did you mean `tracking`?", id="near-key"),
        pytest.param(
            "site",
            "https://example.com/?p=1",
            "site has a ? or #, behind which no page can be; write the address of the site without it",
            id="site-with-a-query",
        ),
        pytest.param("zebra", "{}", f"zebra is an unknown key; the keys are {KEYS}", id="unknown-key"),
    ],
)
def test_a_problem_is_said_in_a_sentence(key: str, value: str | None, problem: str) -> None:
    line = 1 if value is None else [*PARTS, key].index(key) + 1
    assert problems(**{key: value}) == [f"newsletter.yml:{line}: {problem}"]


@pytest.mark.parametrize(
    "host",
    [
        "https://api.sendgrid.com",
        "HTTPS://api.example.com",
        "http://127.0.0.1:8025",
        "http://[::1]:80",
        "http://LOCALHOST",
    ],
)
def test_a_key_travels_over_https_or_stays_on_this_machine(host: str) -> None:
    assert load(sendgrid=f'{{host: "{host}"}}').config.sendgrid.host == host


def test_a_token_may_stand_in_the_query() -> None:
    url = "https://example.com?token={token}"
    assert load(unsubscribe=f'{{url: "{url}"}}').config.unsubscribe.url == url


def test_the_address_for_unsubscribing_is_ascii_as_a_mail_header_must_be() -> None:
    config = load(unsubscribe='{url: "https://münchen.example/ü/{token}"}').config
    assert config.unsubscribe.url == "https://xn--mnchen-3ya.example/%C3%BC/{token}"


def test_all_problems_at_once_in_the_order_of_the_lines() -> None:
    assert problems(
        sender="{name: Soup}",
        postal_address='"1 Kitchen Road\\nExample City"',
        unsubscribe="{sendgrid_group: 5}",
        tracking="{opens: true}",
        smtp="{port: 1_025, host: a b}",
        zebra="1",
    ) == [
        "newsletter.yml:2: sender.email is missing; add `email:`",
        "newsletter.yml:3: postal_address is more than one line; "
        "write it in one line; use `>-` to fold a long one",
        "newsletter.yml:4: unsubscribe: sendgrid_group does not work with outbox; "
        "write `url` instead, or send with `provider: sendgrid`",
        "newsletter.yml:5: tracking: outbox cannot track opens or clicks; "
        f"delete `tracking:`, or send with {TRACKERS}",
        "newsletter.yml:6: smtp.port: YAML reads 1_025 as another number; "
        'quote it: "1_025", or write a number in plain digits',
        "newsletter.yml:6: smtp.host is not a host name; write only the host name, such as mail.example.com",
        f"newsletter.yml:7: zebra is an unknown key; the keys are {KEYS}",
    ]


def test_what_follows_from_an_unknown_provider_is_not_reported() -> None:
    expected = [f'newsletter.yml:5: provider is "smpt"; write one of {ONE_OF}']
    assert problems(provider="smpt", unsubscribe="{sendgrid_group: 5}", tracking="{opens: true}") == expected


def test_another_provider_for_one_run() -> None:
    newsletter = load(provider="outbox")
    assert loader.with_provider(newsletter, None) is newsletter
    assert loader.with_provider(newsletter, "outbox") is newsletter
    assert loader.with_provider(newsletter, "smtp").config.provider == "smtp"
    assert newsletter.config.provider == "outbox"


def test_another_provider_that_cannot_do_it() -> None:
    newsletter = load(provider="sendgrid", unsubscribe="{sendgrid_group: 5}", tracking="{opens: true}")
    with pytest.raises(ConfigError) as raised:
        loader.with_provider(newsletter, "smtp")
    assert [str(problem) for problem in raised.value.problems] == [
        "newsletter.yml:4: unsubscribe: sendgrid_group does not work with smtp; "
        "write `url` instead, or send with `provider: sendgrid`",
        "newsletter.yml:6: tracking: smtp cannot track opens or clicks; "
        f"delete `tracking:`, or send with {TRACKERS}",
    ]


@pytest.mark.parametrize(
    ("src", "what"),
    [
        ("pictures/logo.png", "cannot be read"),
        ("pictures/logo.svg", "is no picture that mail programs show"),
    ],
)
def test_a_logo_that_cannot_be_shown_has_its_line(src: str, what: str) -> None:
    newsletter = load(site="https://soup.example.com", logo=f"\n  alt: Soup\n  src: {src}")
    with pytest.raises(IssueError) as raised:
        render(material.issue(), newsletter.site)
    (problem,) = raised.value.problems
    assert problem.where == "newsletter.yml:8" and what in problem.what


def test_a_password_without_encryption_has_the_line_of_its_setting() -> None:
    smtp = "\n  host: smtp.example.com\n  security: none\n  username: soup"
    problems = open_provider(load(provider="smtp", smtp=smtp)).check()
    assert ("newsletter.yml:8", "smtp would send the password without encryption") in [
        (problem.where, problem.what) for problem in problems
    ]


def test_a_folder_without_a_newsletter(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ConfigError) as raised:
            loader.load(folder, {})
        where = (folder / "newsletter.yml").relative_to(tmp_path)
        assert str(raised.value) == (
            f"{where}: there is no newsletter in this folder; "
            "run news in the newsletter's folder, or name it: news -C FOLDER …; to begin one: news init"
        )


def test_a_folder_in_place_of_the_file() -> None:
    Path("newsletter.yml").mkdir()
    with pytest.raises(ConfigError) as raised:
        loader.load(Path("."), {})
    assert (
        str(raised.value) == "newsletter.yml: is a folder, not a regular file; "
        "put a regular file in its place, or name another file"
    )


def test_a_newsletter_elsewhere_is_named_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    Path("newsletter.yml").write_text("", "utf-8")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ConfigError) as raised:
        loader.load(Path(".."), {})
    assert str(raised.value).startswith("../newsletter.yml:1: the file is empty; ")
