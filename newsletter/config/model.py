"""The model of newsletter.yml."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from newsletter.config import units
from newsletter.config.api_providers import ApiHost, Mailgun, Postmark, Resend, Ses
from newsletter.config.archive import Archive, archive_setting, refuse_form_without_server
from newsletter.config.bounces import Bounces
from newsletter.config.fields import (
    Host,
    Label,
    Language,
    ListId,
    Mailbox,
    allowed_undo_window,
    label_fields,
    month_names,
    network,
    parsed_by,
    site_root,
    state_remote,
    unsubscribe_link,
)
from newsletter.config.label_texts import label_texts
from newsletter.config.provider_facts import API_HOSTS, TRACKING_PROVIDERS
from newsletter.config.pull import Pull, SignUp
from newsletter.config.sources import Sources
from newsletter.config.themes import Colors, FontLists, refuse_unreadable
from newsletter.config.units import Rate
from newsletter.config.webhook_key import verification_key
from newsletter.constants import TRACKING_KINDS, ProviderName, TrackingKind
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue.model import ContentsKind, DateLine, Image
from newsletter.render.themes import ThemeName
from newsletter.yamlfile.fields import Line, StrictModel, WebAddress, invalid


class Sender(StrictModel):
    name: Line
    email: Mailbox

    @property
    def domain(self) -> str:
        """Return the domain of the address, in small letters."""
        return self.email.rpartition("@")[2].lower()


class Unsubscribe(StrictModel):
    """The way to unsubscribe: a page of the newsletter, a SendGrid unsubscribe group, or mail alone."""

    url: Annotated[str, AfterValidator(unsubscribe_link)] | None = None
    mailto: Mailbox | None = None
    sendgrid_group: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _check_one_way(self) -> Self:
        if self.url is None and self.sendgrid_group is None and self.mailto is None:
            fix = "add one: subscribers must be able to unsubscribe"
            raise invalid("needs `url`, `sendgrid_group` or `mailto`", fix)
        if self.url is not None and self.sendgrid_group is not None:
            raise invalid("has both `url` and `sendgrid_group`", "delete one of them")
        return self

    @property
    def is_by_mail_only(self) -> bool:
        """Return True if a mail is the only way to unsubscribe, so that there is no one-click button."""
        return self.url is None and self.sendgrid_group is None


class Outbox(StrictModel):
    path: Line = "outbox"


class Smtp(StrictModel):
    host: Host = "127.0.0.1"
    port: int = Field(25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: Line | None = None
    connections: int = Field(4, ge=1, le=50)  # the maximum number of open connections

    def problems(self, where: str) -> list[Problem]:
        """Return a problem if the password would not be encrypted; `where` is the place of these settings."""
        if self.security != "none" or not self.username:
            return []
        fix = "use `security: starttls` or `tls`"
        return [Problem(where, "smtp would send the password without encryption", fix)]


class SendGrid(StrictModel):
    """The settings of SendGrid; `requests` is the maximum number of requests in flight."""

    host: ApiHost = f"https://{API_HOSTS['sendgrid'][0]}"
    requests: int = Field(8, ge=1, le=64)
    # The public key of SendGrid's webhook, in base64.
    webhook_key: Annotated[str, AfterValidator(verification_key)] | None = None


class Send(StrictModel):
    """The settings of a send."""

    undo_window: Annotated[
        str, parsed_by(units.parse_duration, "30m, 2h or off"), AfterValidator(allowed_undo_window)
    ] = "30m"
    rate: Annotated[str, parsed_by(units.parse_rates, '20/s, or "20/s, 100k/day"')] | None = None
    stop_when_refused: Annotated[str, parsed_by(units.parse_percent, "5% or off")] = "5%"
    list_change: Annotated[str, parsed_by(units.parse_percent, "20% or off")] = "20%"

    @property
    def undo_window_seconds(self) -> int:
        """Return the number of seconds that the provider holds mail before it leaves."""
        return int(units.parse_duration(self.undo_window).total_seconds())

    @property
    def rates(self) -> list[Rate]:
        """Return the rate limits; an empty list for no limit."""
        return units.parse_rates(self.rate) if self.rate else []

    @property
    def refused_share(self) -> float | None:
        """Return the share of refused recipients, 0 to 1, that stops a send; None for no limit."""
        return units.parse_percent(self.stop_when_refused)

    @property
    def change_share(self) -> float | None:
        """Return the share, 0 to 1, by which the list may change between sends; None for no limit."""
        return units.parse_percent(self.list_change)


_RatesText = Annotated[str, parsed_by(units.parse_rates, '20/h, or "20/h, 100/day"')]


class Serve(StrictModel):
    """The settings of `news serve`; a rate counts requests for mail: sign-ups, and links that were lost.

    `proxies` are the networks whose header X-Forwarded-For is believed.
    """

    proxies: tuple[Annotated[str, AfterValidator(network)], ...] = ()
    rate_per_network: _RatesText = "20/h"
    rate: _RatesText = "1000/h"


class Tracking(StrictModel):
    opens: bool = False
    clicks: bool = False

    @property
    def wanted(self) -> tuple[TrackingKind, ...]:
        """Return the kinds of tracking that are asked for."""
        return tuple(kind for kind in TRACKING_KINDS if getattr(self, kind))


class Labels(StrictModel):
    """The words that templates put around the text of an issue, with the English defaults."""

    in_this_issue: Label = "In this issue"
    read_story: Label = "Read more"
    read_online: Label = "Read in the browser"
    more_authors: Annotated[Line, label_fields("{count}")] = "+{count} more"
    reason: Annotated[Line, label_fields("{newsletter}")] = (
        "You get this because you signed up for {newsletter}."
    )
    untracked: Label = "Nothing in this mail watches you: no pixel, and links lead where they say."
    unsubscribe: Label = "Unsubscribe"
    reader: Label = "reader"
    advertisement: Label = "Advertisement"
    notes: Label = "Notes"
    issue_number: Annotated[Line, label_fields("{number}")] = "Issue {number}"
    months: Annotated[Line, AfterValidator(month_names)] | None = None  # those of the language

    @property
    def missing(self) -> list[str]:
        """Return the names of the labels that newsletter.yml does not write; `months` have CLDR's names."""
        return [
            name for name in type(self).model_fields if name not in self.model_fields_set and name != "months"
        ]

    def in_language(self, language: str) -> "Labels":
        """Return these labels with the missing ones in a language, or in English if it has no labels."""
        texts = label_texts(language) or {}
        filled = {name: texts[name] for name in self.missing if name in texts}
        # Only those of newsletter.yml stay in `model_fields_set`.
        return Labels.model_construct(_fields_set=self.model_fields_set, **{**dict(self), **filled})


class CheckSetting(StrictModel):
    """The severity of a check's problems in this newsletter; a check that is switched off needs a reason."""

    severity: Literal["off", "error", "warning", "note"]
    reason: Line | None = None

    @model_validator(mode="after")
    def _check_reason(self) -> Self:
        if self.severity == "off" and self.reason is None:
            raise invalid("has no reason", 'write {severity: "off", reason: why it is switched off}')
        return self


def _check_setting(setting: object) -> object:
    """Return the full form of a check's setting: `{severity: note}` for the short form `note`."""
    if not isinstance(setting, str):
        return setting
    if setting not in (known := get_args(CheckSetting.model_fields["severity"].annotation)):
        raise invalid(f'is "{printable(setting)}"', f"write one of {', '.join(known)}")
    return {"severity": setting}


class StateOnRef(StrictModel):
    """The sealed state on a ref of a Git remote: of `remote`, or of the repository's remote `origin`."""

    remote: Annotated[str, AfterValidator(state_remote)] | None = None


def _state_setting(setting: object) -> object:
    """Return the full form of `state:`, which is empty for the short form `git`."""
    if isinstance(setting, Mapping) and setting.get("remote") is None and not setting.keys() - {"remote"}:
        # An address that was forgotten must not mean `origin`, which may be public.
        raise invalid("has no address in `remote:`", "write git for the remote `origin`, or fill it in")
    if not isinstance(setting, str):
        return setting
    if setting != "git":
        fix = "write git, or {remote: git@example.com:me/state.git} for a repository of its own"
        raise invalid(f'is "{printable(setting)}"', fix)
    return StateOnRef()


class Config(StrictModel):
    """The content of newsletter.yml."""

    name: Line
    sender: Sender
    postal_address: Line
    provider: ProviderName = "outbox"
    unsubscribe: Unsubscribe
    pull: Pull = Pull()
    sign_up: SignUp | None = None
    reply_to: Mailbox | None = None
    site: Annotated[WebAddress, AfterValidator(site_root)] | None = None
    archive: Annotated[Archive, BeforeValidator(archive_setting)] = Archive()
    list_id: ListId | None = None
    language: Language = "en"
    description: Line | None = None
    logo: Image | None = None
    date_line: DateLine = "week"
    contents: ContentsKind | None = None
    theme: ThemeName = "digest"
    colors: Colors = Colors()
    fonts: FontLists = FontLists()
    outbox: Outbox = Outbox()
    smtp: Smtp = Smtp()
    sendgrid: SendGrid = SendGrid()
    resend: Resend = Resend()
    ses: Ses = Ses()
    postmark: Postmark = Postmark()
    mailgun: Mailgun = Mailgun()
    bounces: Bounces | None = None
    send: Send = Send()
    serve: Serve = Serve()
    state: Annotated[StateOnRef | None, BeforeValidator(_state_setting)] = None
    tracking: Tracking = Tracking()
    labels: Labels = Field(Labels(), validate_default=True)
    # The mail programs that the readers use, by caniemail.com's names.
    clients: tuple[Line, ...] = ("apple-mail", "gmail", "outlook", "samsung-email", "thunderbird", "yahoo")
    checks: dict[str, Annotated[CheckSetting, BeforeValidator(_check_setting)]] = Field(default_factory=dict)
    sources: Sources = Field(default_factory=dict)

    @field_validator("unsubscribe")
    @classmethod
    def _check_unsubscribe(cls, value: Unsubscribe, info: ValidationInfo) -> Unsubscribe:
        provider = info.data.get("provider", "sendgrid")
        if value.sendgrid_group and provider != "sendgrid":
            fix = "write `url` instead, or send with `provider: sendgrid`"
            raise invalid(f"sendgrid_group does not work with {provider}", fix)
        if value.url and value.url.startswith("http:") and provider != "outbox":
            what = f"url is an address of this machine, and {provider} sends mail to readers on other ones"
            raise invalid(what, "write the public https address")
        return value

    @field_validator("sign_up")
    @classmethod
    def _check_sign_up(cls, value: SignUp | None, info: ValidationInfo) -> SignUp | None:
        if value and "pull" in info.data and info.data["pull"].imap is None:
            fix = "add `pull.imap`, the mailbox to which its mail comes"
            raise invalid("needs a mailbox that is read", fix)
        return value

    @field_validator("archive")
    @classmethod
    def _check_archive(cls, value: Archive, info: ValidationInfo) -> Archive:
        if "unsubscribe" in info.data:
            refuse_form_without_server(value, info.data["unsubscribe"].url)
        return value

    @field_validator("labels")
    @classmethod
    def _fill_labels(cls, value: Labels, info: ValidationInfo) -> Labels:
        return value.in_language(info.data.get("language", "en"))

    @field_validator("colors")
    @classmethod
    def _check_colors(cls, value: Colors, info: ValidationInfo) -> Colors:
        if "theme" in info.data:
            refuse_unreadable(value, info.data["theme"])
        return value

    @field_validator("tracking")
    @classmethod
    def _check_tracking(cls, value: Tracking, info: ValidationInfo) -> Tracking:
        provider = info.data.get("provider", "sendgrid")
        if (value.opens or value.clicks) and provider not in TRACKING_PROVIDERS:
            *others, last = TRACKING_PROVIDERS
            fix = f"delete `tracking:`, or send with {', '.join(others)} or {last}"
            raise invalid(f"{provider} cannot track opens or clicks", fix)
        return value
