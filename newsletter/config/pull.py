"""The part of newsletter.yml about the places outside from which people leave or sign up without a server."""

from typing import Annotated

from pydantic import AfterValidator

from newsletter.config.fields import Mailbox, key_safe_host
from newsletter.config.mailbox import Imap
from newsletter.yamlfile.fields import StrictModel


class Pull(StrictModel):
    """The places that are read before each send, and by `news unsubscribes pull`."""

    sendgrid: bool = False
    imap: Imap | None = None
    worker: Annotated[str, AfterValidator(key_safe_host)] | None = None


class SignUp(StrictModel):
    """The address to which people write to sign up; its mail is in the folder of `pull.imap`."""

    mailto: Mailbox
