"""newsletter.yml and the environment, as one frozen Newsletter."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from newsletter.config import units
from newsletter.config.environment import Secrets, dotenv
from newsletter.constants import ProviderName
from newsletter.display import shown_path, visible
from newsletter.errors import ConfigError, Problem
from newsletter.issue.model import Frozen, Line, Site, WebAddress, refused, web_address
from newsletter.sending.rate_limiter import Rate
from newsletter.subscribers import address
from newsletter.yamlfile import reader, validation

FILE, ISSUES, TEMPLATES, STATE = "newsletter.yml", "issues", "templates", ".news"


def _mailbox(text: str) -> str:
    try:
        return address.parse(text).given
    except address.BadAddress as problem:
        what = f'"{visible(text)}" is not an email address ({problem})'
        raise refused(what, "write it as name@example.com") from None


def _unsubscribe_link(text: str) -> str:
    web_address(text.replace("{token}", "token"))
    parts = urlsplit(text)
    if text.count("{token}") != 1 or "{token}" not in parts.path + parts.query:
        raise refused("needs {token} once, behind the host", "put {token} where the reader's own part goes")
    if parts.scheme != "https":
        raise refused("is not https", "write https://…: mail programs unsubscribe over https only (RFC 8058)")
    if len(text) > 500:
        raise refused(f"is {len(text)} characters long", "a mail's header lines end at 998: at most 500 fit")
    if not text.isascii():
        raise refused("is not ASCII, as a mail's header must be", "write the host as xn--…, the rest as %…")
    return text


def _key_safe_host(url: str) -> str:
    parts = urlsplit(web_address(url))
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise refused("would show the API key to everybody on the way", "write https://…")
    return url.rstrip("/")


def _twelve(text: str) -> str:
    if len(text.split()) != 12 or "," in text:
        fix = 'write the twelve months with spaces between: "January February …"'
        raise refused(f"has {len(text.split())} words" if "," not in text else "has commas", fix)
    return text


def _with(*fields: str) -> AfterValidator:
    """A label in which only these fields, {count} and the like, may stand."""

    def filled(text: str) -> str:
        for field_ in re.findall(r"\{[^}]*\}?", text):
            if field_ not in fields:
                known = f"the field here is {fields[0]}" if fields else "write it without braces"
                raise refused(f"has {field_}, which nothing fills", known)
        return text

    return AfterValidator(filled)


def _shaped(pattern: str, what: str, fix: str) -> AfterValidator:
    def shaped(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise refused(what, fix)
        return text

    return AfterValidator(shaped)


# Labels of at most 63 characters, or an address in brackets or not.
_HOST = r"(?=.{1,253}$)[^\s/@.:\[\]]{1,63}(\.[^\s/@.:\[\]]{1,63})*|[0-9a-fA-F:]*:[0-9a-fA-F:.]+"
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Host = Annotated[str, _shaped(_HOST, "is not the name of a host", "write it alone, such as mail.example.com")]
ListId = Annotated[
    str, _shaped(r"[A-Za-z0-9._-]+", "is not the name of a list", "write it like papers.example.com")
]
_LANGUAGE = r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"
Language = Annotated[str, _shaped(_LANGUAGE, "is not a language code", "write one such as en or pt-BR")]


Label = Annotated[Line, _with()]


class Sender(Frozen):
    name: Line
    email: Mailbox


class Unsubscribe(Frozen):
    """How people leave: a page of the newsletter's own, or SendGrid's."""

    url: Annotated[str, AfterValidator(_unsubscribe_link)] | None = None
    mailto: Mailbox | None = None
    sendgrid_group: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.url is None and self.sendgrid_group is None:
            raise refused("needs `url` or `sendgrid_group`", "add one: readers must be able to leave")
        if self.url is not None and self.sendgrid_group is not None:
            raise refused("has both `url` and `sendgrid_group`", "delete one of them")
        return self


class Outbox(Frozen):
    path: Line = "outbox"


class Smtp(Frozen):
    host: Host = "127.0.0.1"
    port: int = Field(25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: Line | None = None
    connections: int = Field(4, ge=1, le=50)


class SendGrid(Frozen):
    """`requests` is how many are in flight at once."""

    host: Annotated[str, AfterValidator(_key_safe_host)] = "https://api.sendgrid.com"
    requests: int = Field(8, ge=1, le=64)


def _read(parse: Callable[[str], object], example: str) -> AfterValidator:
    """A text that `parse` understands."""

    def read(text: str) -> str:
        try:
            parse(text)
        except ValueError:
            raise refused(f'"{visible(text, 40)}" is not understood', f"write it as {example}") from None
        return text

    return AfterValidator(read)


def _undo_window(text: str) -> str:
    seconds = units.span(text).total_seconds()
    if seconds and not 15 * 60 <= seconds <= 24 * 3600:
        fix = "write 15m to 24h, or off: mail can be called back until 10 minutes before it leaves"
        raise refused(f"is {text}", fix)
    return text


class Send(Frozen):
    """How issues are sent."""

    undo_window: Annotated[str, _read(units.span, "30m, 2h or off"), AfterValidator(_undo_window)] = "30m"
    rate: Annotated[str, _read(units.rates, "20/s, or 20/s, 100k/day")] | None = None
    stop_when_refused: Annotated[str, _read(units.share, "5% or off")] = "5%"
    list_change: Annotated[str, _read(units.share, "20% or off")] = "20%"

    @property
    def window(self) -> int:
        """For how many seconds mail is held back."""
        return int(units.span(self.undo_window).total_seconds())

    @property
    def rates(self) -> list[Rate]:
        return units.rates(self.rate) if self.rate else []

    @property
    def refused_share(self) -> float | None:
        return units.share(self.stop_when_refused)

    @property
    def change_share(self) -> float | None:
        return units.share(self.list_change)


class Tracking(Frozen):
    opens: bool = False
    clicks: bool = False


class Labels(Frozen):
    """The words that templates put around an issue's own."""

    in_this_issue: Label = "In this issue"
    read_story: Label = "Read more"
    more_authors: Annotated[Line, _with("{count}")] = "+{count} more"
    reason: Annotated[Line, _with("{newsletter}")] = "You get this because you signed up for {newsletter}."
    untracked: Label = "Nothing in this mail watches you: no pixel, and links lead where they say."
    unsubscribe: Label = "Unsubscribe"
    reader: Label = "reader"
    months: Annotated[Line, AfterValidator(_twelve)] = (
        "January February March April May June July August September October November December"
    )


class Adjustment(Frozen):
    """How much a newsletter makes of a check; what is switched off is not seen any more, so it says why."""

    severity: Literal["off", "error", "warning", "note"]
    reason: Line | None = None

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.severity == "off" and self.reason is None:
            raise refused("has no reason", 'write {severity: "off", reason: why it is switched off}')
        return self


def _adjustment(given: object) -> object:
    """`weight: note` is short for `weight: {severity: note}`."""
    if not isinstance(given, str):
        return given
    if given not in (known := get_args(Adjustment.model_fields["severity"].annotation)):
        raise refused(f'is "{visible(given)}"', f"write one of {', '.join(known)}")
    return {"severity": given}


class Config(Frozen):
    """newsletter.yml."""

    name: Line
    sender: Sender
    postal_address: Line
    provider: ProviderName = "outbox"
    unsubscribe: Unsubscribe
    reply_to: Mailbox | None = None
    site: Annotated[WebAddress, AfterValidator(lambda url: url.rstrip("/"))] | None = None
    list_id: ListId | None = None
    language: Language = "en"
    outbox: Outbox = Outbox()
    smtp: Smtp = Smtp()
    sendgrid: SendGrid = SendGrid()
    send: Send = Send()
    tracking: Tracking = Tracking()
    labels: Labels = Labels()
    clients: tuple[Line, ...] = ("apple-mail", "gmail", "outlook", "samsung-email", "thunderbird", "yahoo")
    checks: dict[str, Annotated[Adjustment, BeforeValidator(_adjustment)]] = Field(default_factory=dict)

    @field_validator("unsubscribe")
    @classmethod
    def _can_leave(cls, value: Unsubscribe, info: ValidationInfo) -> Unsubscribe:
        provider = info.data.get("provider", "sendgrid")
        if value.sendgrid_group and provider != "sendgrid":
            fix = "give `url` in its place, or send with `provider: sendgrid`"
            raise refused(f"sendgrid_group does not work with {provider}", fix)
        return value

    @field_validator("tracking")
    @classmethod
    def _can_track(cls, value: Tracking, info: ValidationInfo) -> Tracking:
        provider = info.data.get("provider", "sendgrid")
        if (value.opens or value.clicks) and provider != "sendgrid":
            raise refused(f"{provider} cannot do it", "delete `tracking:`, or send with `provider: sendgrid`")
        return value


@dataclass(frozen=True)
class Newsletter:
    """A newsletter's folder with what it says of itself; `in_ci` on a machine that is not kept.

    `lines` is where each key of newsletter.yml stands.
    """

    folder: Path
    config: Config
    secrets: Secrets = field(default_factory=Secrets)
    in_ci: bool = False
    lines: Mapping[reader.Loc, int] = field(default_factory=dict, repr=False)

    def where(self, *loc: str | int) -> str:
        """`newsletter.yml:line` of a key."""
        return reader.Document(shown_path(self.folder / FILE), None, self.lines).where(loc)

    @property
    def issues(self) -> Path:
        return self.folder / ISSUES

    @property
    def templates(self) -> Path:
        return self.folder / TEMPLATES

    @property
    def state(self) -> Path:
        """Where this machine keeps what is not committed: database and keys."""
        return self.folder / STATE

    @cached_property
    def site(self) -> Site:
        """The part that rendering sees."""
        config = self.config
        labels = config.labels.model_dump()
        if config.tracking.opens or config.tracking.clicks:
            labels["untracked"] = ""
        return Site(
            name=config.name,
            postal_address=config.postal_address,
            language=config.language,
            url=config.site,
            labels=labels,
            templates=str(self.templates),
        )


def with_provider(newsletter: Newsletter, name: str | None) -> Newsletter:
    """The same newsletter, sending through another provider; raises ConfigError where that cannot be."""
    if name is None or name == newsletter.config.provider:
        return newsletter
    try:
        chosen = Config.model_validate({**dict(newsletter.config), "provider": name})
    except ValidationError as invalid:
        raise ConfigError(
            [_not_through(name, error) for error in invalid.errors(include_url=False)]
        ) from None
    return replace(newsletter, config=chosen)


def _not_through(provider: str, error: ErrorDetails) -> Problem:
    said = error.get("ctx", {})
    what = reader.sentence(error["loc"], said.get("what", error["msg"]))
    return Problem(FILE, what, said.get("fix", f"change it, or do not send through {provider}"))


def load(folder: Path, environment: Mapping[str, str] | None = None) -> Newsletter:
    """The newsletter in `folder`; raises ConfigError with every problem of its newsletter.yml.

    Secrets come from `environment` (the process's own unless given) and from a `.env` file below it.
    """
    config, lines = load_file(folder)
    values = {**dotenv(folder / ".env"), **(os.environ if environment is None else environment)}
    return Newsletter(folder, config, Secrets.from_environment(values), is_ci(values), lines)


def load_file(folder: Path) -> tuple[Config, Mapping[reader.Loc, int]]:
    """newsletter.yml alone, and where each key of it stands; raises ConfigError with every problem of it."""
    file = folder / FILE
    if not os.path.lexists(file):
        where = shown_path(file)
        fix = "run news in a newsletter's folder, or name it: news -C FOLDER …"
        raise ConfigError([Problem(where, "there is no newsletter here", fix)])
    document = reader.read(file, ConfigError)
    return validation.validate(document, Config, ConfigError), document.lines


def is_ci(values: Mapping[str, str]) -> bool:
    """Whether an environment is that of a machine that is not kept."""
    return values.get("CI", "").lower() not in ("", "0", "false")
