"""The public web server: uvicorn, the thread that writes, and the thread that sends mail."""

import asyncio
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import uvicorn

from newsletter.config import units
from newsletter.config.loader import Newsletter
from newsletter.constants import SERVE_PORT
from newsletter.errors import ConfigError, SendRefused
from newsletter.mail.service_mail import ServiceMailings
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.network.listening import listen, url_of
from newsletter.providers.factory import open_provider
from newsletter.providers.webhook_secrets import webhook_secret_problems
from newsletter.render.pages import render_all
from newsletter.services.background_loop import BackgroundLoop, Work
from newsletter.services.housekeeping import Housekeeping
from newsletter.services.service_mailer import ServiceMailer
from newsletter.state.secret_key import all_secret_keys
from newsletter.store.database import open_database
from newsletter.store.group_commit import Writer
from newsletter.store.mailer_lock import only_mailer
from newsletter.store.suppression import lock_to_forget_people
from newsletter.web.app import app
from newsletter.web.connection import TimedConnection
from newsletter.web.context import Context
from newsletter.web.log_filters import quiet_libraries
from newsletter.web.public_address import PublicAddress, public_address
from newsletter.web.throttle import Throttle

_MAX_CONNECTIONS = 1000
_OTHER_FILES = 200
_HEADER_BYTES = 16 * 1024
_GRACE_SECONDS = 10
_HOUR = timedelta(hours=1)
_MAIL = "service mail"
Ready = Callable[[str, PublicAddress], None]


def run(newsletter: Newsletter, *, host: str, port: int, ready: Ready) -> None:
    """Serve until Ctrl-C or SIGTERM; see `newsletter.web.launch.serve`."""
    address = public_address(newsletter, port)
    connections = _connection_limit()
    with (
        listen(host, port, default_port=SERVE_PORT) as listening,
        open_context(newsletter, address) as shared,
        suppress(KeyboardInterrupt),
    ):
        quiet_libraries()
        # uvicorn raises the signal again when it has stopped; without a handler, the threads would be lost.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        ready_here = partial(ready, url_of(host, listening), address)
        asyncio.run(_serve(shared, listening, connections, ready_here))


@contextmanager
def open_context(newsletter: Newsletter, address: PublicAddress) -> Iterator[Context]:
    """Open what the handlers share, and start the threads; stop them when the block ends.

    Raise SendRefused if the newsletter cannot send mail, or if its state is on a Git ref; ConfigError for a
    malformed secret of a webhook; and TemplateError for a mistake in a page of its own.
    """
    _refuse_state_on_ref(newsletter)
    if problems := webhook_secret_problems(newsletter.secrets):
        raise ConfigError(problems)
    render_all(newsletter.site)  # a mistake in a page of its own is told now, not to a reader
    serve = newsletter.config.serve
    rates = units.parse_rates(serve.rate)
    with ExitStack() as stack:
        provider = stack.enter_context(closing(open_provider(newsletter)))
        for problem in provider.check():
            raise SendRefused(problem.what, problem.fix, where=problem.where)
        keys = all_secret_keys(newsletter, leaves_machine=provider.capabilities.leaves_machine)
        tokens = UnsubscribeTokens(keys[0], newsletter.list_id, old_secrets=keys[1:])
        links = SignedLinks(keys, newsletter.list_id)
        database = stack.enter_context(open_database(newsletter))
        stack.enter_context(only_mailer(database))
        writer = stack.enter_context(closing(Writer(database, lock_to_forget_people)))
        mailings = ServiceMailings(newsletter, links, tokens, address.url)
        most = min(int(rate.count * _HOUR / rate.period) for rate in rates)
        mailer = ServiceMailer(mailings, provider, writer.write_now, max_per_hour=max(1, most))
        housekeeping = Housekeeping(database, writer.write_now)
        steps: dict[str, Work] = {"housekeeping": lambda _: housekeeping.run_if_due(), _MAIL: mailer.run_once}
        background = stack.enter_context(closing(BackgroundLoop(steps)))
        background.start()
        yield Context(
            newsletter=newsletter,
            address=address,
            database=database,
            writer=writer,
            tokens=tokens,
            links=links,
            throttle=Throttle(units.parse_rates(serve.rate_per_network), rates),
            now=lambda: datetime.now(UTC),
            wake_mailer=background.wake,
            is_mailing=lambda: background.is_well(_MAIL),
            erase_later=housekeeping.erase_later,
        )


def _refuse_state_on_ref(newsletter: Newsletter) -> None:
    if newsletter.config.state is not None:
        what = "the state is on a Git ref, which a server cannot change with each request"
        fix = "move it to PostgreSQL (news db copy) and delete `state:`, or use `news unsubscribes pull`"
        raise SendRefused(what, fix)


def _connection_limit() -> int:
    """Raise the limit of open files if needed; return the most connections that fit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _MAX_CONNECTIONS * 2 + _OTHER_FILES  # connections that are refused are open for a moment, too
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(_MAX_CONNECTIONS, (soft - _OTHER_FILES) // 2))


async def _serve(
    shared: Context, listening: socket.socket, connections: int, ready: Callable[[], None]
) -> None:
    proxies: Sequence[str] = shared.newsletter.config.serve.proxies
    config = uvicorn.Config(
        app(shared),
        http=TimedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # the addresses of pages have tokens
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        limit_concurrency=connections,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    await _Server(config, ready).serve([listening])


class _Server(uvicorn.Server):
    """Call `ready` after the start."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
