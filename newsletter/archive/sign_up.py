"""The way to sign up that the pages of the archive offer."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal[
    "form",  # a form that posts to `news serve`
    "page",  # a link to a page of the newsletter's own
    "mail",  # a link that writes a mail
]


@dataclass(frozen=True)
class SignUpWay:
    """A way to sign up; None as its kind is no way at all.

    `address` is that of `news serve` without a slash at the end, that of the page, or that of the mailbox.
    `leave` is the address of the page on which readers leave, and `leave_mailbox` the address to which they
    can write to leave, if there are such.
    """

    kind: Kind | None = None
    address: str = ""
    leave: str | None = None
    leave_mailbox: str | None = None

    @property
    def link(self) -> str:
        """Return the address for a link or a form."""
        return f"mailto:{self.address}?subject=subscribe" if self.kind == "mail" else self.address

    @property
    def origin(self) -> str | None:
        """Return the origin to which the form posts, for a page's Content-Security-Policy."""
        if self.kind != "form":
            return None
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"
