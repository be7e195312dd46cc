"""A newsletter with a set-up without problems, and all its counterparts on loopback."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import samples
from tests.fakes.nameserver import NameServer
from tests.fakes.sendgrid import SendGridFake
from tests.fakes.sendgrid_account import pages, zone
from tests.fakes.web import Reply, Request, WebFake

FORM = b'<html><form action="" method="post"><button>Leave</button></form></html>'
SECRETS = {
    "SENDGRID_API_KEY": "SG.hush-hush-key",
    "SMTP_PASSWORD": "hush-hush-password",
    "NEWS_SECRET_KEY": "hush-hush-and-long-enough",
}


class LeavePage(WebFake):
    """A correct unsubscribe page; `post` and `get` are its responses."""

    post = Reply(200)
    get = Reply(200, FORM, {"Content-Type": "text/html"})

    def answer(self, request: Request) -> Reply:
        return self.post if request.method == "POST" else self.get


@dataclass
class World:
    """The counterparts, and the newsletter's folder."""

    folder: Path
    sendgrid: SendGridFake
    page: LeavePage
    names: NameServer
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, extra: str = "") -> None:
        """Write the newsletter's files; `extra` replaces the settings for SendGrid."""
        provider = f"provider: sendgrid\nsendgrid: {{host: '{self.sendgrid.url}'}}\n"
        samples.write(self.folder, extra=extra or provider)
        file = self.folder / "newsletter.yml"
        file.write_text(file.read_text().replace("https://soup.example.com", self.page.url))


@contextmanager
def opened(folder: Path, certificate: tuple[Path, Path]) -> Iterator[World]:
    """Yield the newsletter; its counterparts run until the block ends."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    fake, page = SendGridFake(key=SECRETS["SENDGRID_API_KEY"]), LeavePage(tls=tls)
    with fake, page, NameServer(zone()) as names:
        fake.pages = pages()
        world = World(folder, fake, page, names, {**SECRETS, **samples.KEY_HOSTS})
        world.write()
        yield world
