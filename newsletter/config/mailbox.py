"""The settings of a folder of a mailbox that is read over IMAP."""

from typing import Self

from pydantic import Field, model_validator

from newsletter.config.fields import Host
from newsletter.constants import IMAP_PORTS, ImapSecurity
from newsletter.network.hosts import is_loopback
from newsletter.yamlfile.fields import Line, StrictModel, invalid


class Imap(StrictModel):
    """A folder of an IMAP server."""

    host: Host
    port: int | None = Field(None, ge=1, le=65535)
    security: ImapSecurity = "tls"
    username: Line
    folder: Line = "INBOX"

    @property
    def used_port(self) -> int:
        """Return the port; the usual one if none is written."""
        return self.port or IMAP_PORTS[self.security]

    @model_validator(mode="after")
    def _check_security(self) -> Self:
        if self.security == "none" and not is_loopback(self.host):
            raise invalid("would send the password in clear", "write `security: tls` or `security: starttls`")
        return self
