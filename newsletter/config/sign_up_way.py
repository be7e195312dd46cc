"""Find the way to sign up that the pages of the archive offer."""

from newsletter.archive.sign_up import SignUpWay
from newsletter.config.archive import FORM
from newsletter.config.model import Config
from newsletter.config.serve_url import serve_url


def sign_up_way(config: Config) -> SignUpWay:
    """Return the way to sign up that newsletter.yml gives the pages."""
    server = serve_url(config.unsubscribe.url or "") if config.archive.sign_up == FORM else None
    mailbox = config.unsubscribe.mailto
    if server is not None:
        return SignUpWay("form", server, f"{server}/lost", mailbox)
    if config.archive.sign_up:
        return SignUpWay("page", config.archive.sign_up, leave_mailbox=mailbox)
    if config.sign_up:
        return SignUpWay("mail", config.sign_up.mailto, leave_mailbox=mailbox)
    return SignUpWay(leave_mailbox=mailbox)
