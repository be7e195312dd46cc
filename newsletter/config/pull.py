"""The part of newsletter.yml about the places outside from which people leave or sign up without a server."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from newsletter.config.fields import Host, Mailbox, key_safe_host
from newsletter.network.hosts import is_loopback
from newsletter.yamlfile.fields import Line, StrictModel, invalid


class Imap(StrictModel):
    """A folder of a mailbox; the usual port is that of `security`."""

    host: Host
    username: Line
    port: int | None = Field(None, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    folder: Line = "INBOX"

    @model_validator(mode="after")
    def _check_security(self) -> Self:
        if self.security == "none" and not is_loopback(self.host):
            raise invalid("would send the password without encryption", "write `security: tls`")
        return self


class Pull(StrictModel):
    """The places that are read before each send, and by `news unsubscribes pull`."""

    sendgrid: bool = False
    imap: Imap | None = None
    worker: Annotated[str, AfterValidator(key_safe_host)] | None = None


class SignUp(StrictModel):
    """The address to which people write to sign up; its mail is in the folder of `pull.imap`."""

    mailto: Mailbox
