"""The settings of the mailbox that receives bounces and complaints."""

from typing import Self

from pydantic import model_validator

from newsletter.config.mailbox import Imap
from newsletter.yamlfile.fields import Line, StrictModel, invalid


class Bounces(StrictModel):
    """The mailbox: a maildir on this machine, or a folder of an IMAP server."""

    maildir: Line | None = None
    imap: Imap | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.maildir is None) == (self.imap is None):
            raise invalid(
                "needs either `maildir` or `imap`", "write the path of a maildir, or the settings of a server"
            )
        return self
