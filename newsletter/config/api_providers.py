"""The settings of the providers that send through a web API with a key of their own."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from newsletter.config.fields import key_safe_host
from newsletter.config.provider_facts import API_HOSTS
from newsletter.errors import Problem
from newsletter.yamlfile.fields import StrictModel, invalid

ApiHost = Annotated[str, AfterValidator(key_safe_host)]
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}")
_TOPIC = re.compile(r"arn:aws[a-z-]{0,12}:sns:([a-z0-9-]{1,30}):[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise invalid("is not the name of a region of AWS", "write for example us-east-1 or eu-central-1")
    if text.startswith("cn-"):
        raise invalid("is a region in China, whose hosts have other names", "choose another region")
    return text


def _topic(text: str) -> str:
    if not _TOPIC.fullmatch(text):
        raise invalid(
            "is not the ARN of a topic of Amazon SNS", "copy it: arn:aws:sns:eu-central-1:123456789012:name"
        )
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise invalid("has other characters than letters, digits, - and _", "copy its name from the account")
    return text


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text.lower()):
        raise invalid("is not a domain", "write for example news.example.com")
    return text.lower()


Name = Annotated[str, AfterValidator(_name)]


class Resend(StrictModel):
    """The settings of Resend; `requests` is the maximum number of requests in flight."""

    host: ApiHost = f"https://{API_HOSTS['resend'][0]}"
    requests: int = Field(2, ge=1, le=64)


class Ses(StrictModel):
    """The settings of Amazon SES; `host` replaces the address that the region has.

    `topic` is the ARN of the SNS topic that posts events to `news serve`.
    """

    region: Annotated[str, AfterValidator(_region)] | None = None
    host: ApiHost | None = None
    configuration_set: Name | None = None
    topic: Annotated[str, AfterValidator(_topic)] | None = None
    requests: int = Field(8, ge=1, le=64)

    @property
    def own_host(self) -> str:
        """Return the host of AWS in the region; without a region, one that does not exist."""
        return f"email.{self.region or 'invalid'}.amazonaws.com"

    @property
    def url(self) -> str:
        """Return the address of the API."""
        return self.host or f"https://{self.own_host}"

    @property
    def host_setting(self) -> str:
        """Return the key of newsletter.yml that determines the host."""
        return "ses.host" if self.host else "ses.region"

    def missing(self, where: str) -> list[Problem]:
        """Return a problem without a region; `where` is the place of these settings."""
        if self.region:
            return []
        fix = "write the region in which your domain is verified, such as `ses: {region: eu-central-1}`"
        return [Problem(where, "ses.region is not set", fix)]


class Postmark(StrictModel):
    """The settings of Postmark: an issue uses `stream`, and mail about a subscription `service_stream`."""

    host: ApiHost = f"https://{API_HOSTS['postmark'][0]}"
    stream: Name = "broadcast"
    service_stream: Name = "outbound"
    requests: int = Field(4, ge=1, le=64)

    @model_validator(mode="after")
    def _check_streams(self) -> Self:
        """Refuse one stream for both: issues on a transactional stream put the account at risk."""
        if self.stream == self.service_stream:
            raise invalid(
                "has the same stream for issues and for service mail", "write two streams of the server"
            )
        return self


class Mailgun(StrictModel):
    """The settings of Mailgun; `domain` is the one that sends, by default that of the sender's address."""

    host: ApiHost = f"https://{API_HOSTS['mailgun'][0]}"
    domain: Annotated[str, AfterValidator(_domain)] | None = None
    requests: int = Field(4, ge=1, le=64)
