"""A newsletter's public server without a network, and visitors that ask it."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Table, select

from newsletter.config import units
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.store.database import open_database
from newsletter.store.group_commit import Writer
from newsletter.store.subscribers import Subscribers
from newsletter.store.suppression import lock_to_forget_people
from newsletter.subscribers.address import parse
from newsletter.web.app import app
from newsletter.web.context import Context
from newsletter.web.public_address import public_address
from newsletter.web.throttle import Throttle
from tests import samples

PUBLIC = "https://soup.example.com"
UNSUBSCRIBE = f"{PUBLIC}/unsubscribe/{{token}}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Clock:
    """The time of the server, which a test moves."""

    now: datetime = samples.NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class PublicServer:
    """A server and what it shares, with a visitor at `client`."""

    context: Context
    clock: Clock
    wakes: list[datetime] = field(default_factory=list)
    client: str = "203.0.113.7"

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request; it is never redirected."""
        return self.ask_all((method, path, options))[0]

    def ask_all(self, *requests: tuple[str, str, Mapping[str, Any]]) -> list[httpx.Response]:
        """Send requests at the same time."""

        async def answers() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app(self.context), client=(self.client, 1))
            async with httpx.AsyncClient(transport=transport, base_url=PUBLIC) as browser:
                return await asyncio.gather(
                    *(browser.request(method, path, **options) for method, path, options in requests)
                )

        return asyncio.run(answers())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)

    def post(self, path: str, data: Mapping[str, str] | None = None, **options: Any) -> httpx.Response:
        return self.ask("POST", path, data=data, **options)

    def sign_up(self, address: str, **fields: str) -> httpx.Response:
        return self.post("/subscribe", {"address": address, **fields})

    def add(self, address: str) -> int:
        """Add a subscriber; return the id."""
        Subscribers(self.context.database, self.clock).add(parse(address))
        return self.person(address).id

    def person(self, address: str) -> Any:
        """Return the row of a subscriber; None if there is none."""
        rows = self.rows("subscriber")
        return next((row for row in rows if row.address_key == address.lower()), None)

    def rows(self, table: str) -> list[Any]:
        """Return all rows of a table."""
        from newsletter.store.schema import metadata

        with self.context.database.reading() as connection:
            found: Table = metadata.tables[table]
            return list(connection.execute(select(found).order_by(*found.primary_key)).all())

    def contents(self) -> dict[str, list[Any]]:
        """Return the rows of all tables, to see that nothing has changed."""
        from newsletter.store.schema import metadata

        return {name: self.rows(name) for name in metadata.tables}

    def unsubscribe_path(self, subscriber_id: int) -> str:
        return f"/unsubscribe/{self.context.tokens.token(subscriber_id)}"

    def confirm_path(self, sign_up_id: int) -> str:
        return f"/confirm/{self.context.links.confirm_token(sign_up_id)}"

    def data_path(self, subscriber_id: int, **time: float) -> str:
        expires = self.clock.now + timedelta(**(time or {"hours": 1}))
        return f"/me/{self.context.links.data_token(subscriber_id, expires)}"


def text_of(response: httpx.Response) -> str:
    """Return the page of a response, with its entities as characters and its line breaks as spaces."""
    return " ".join(unescape(response.text).split())


@contextmanager
def served(
    folder: Path, *, extra: str = "", url: str = UNSUBSCRIBE, **environment: str
) -> Iterator[PublicServer]:
    """Serve a newsletter; its mail is written into the database, and stays there."""
    newsletter = samples.newsletter(folder, extra=extra, unsubscribe=url, **environment)
    clock, keys = Clock(), [samples.SECRET]
    serve = newsletter.config.serve
    with open_database(newsletter) as database, closing(Writer(database, lock_to_forget_people)) as writer:
        context = Context(
            newsletter=newsletter,
            address=public_address(newsletter, 8080),
            database=database,
            writer=writer,
            tokens=UnsubscribeTokens(keys[0], newsletter.list_id),
            links=SignedLinks(keys, newsletter.list_id),
            throttle=Throttle(units.parse_rates(serve.rate_per_network), units.parse_rates(serve.rate)),
            now=clock,
            wake_mailer=lambda: None,
            is_mailing=lambda: True,
            erase_later=lambda: None,
            answer_seconds=0,
        )
        server = PublicServer(context, clock)
        server.context = replace(context, wake_mailer=lambda: server.wakes.append(clock.now))
        yield server
