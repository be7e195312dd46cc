"""Start the public server; report missing packages, which are imported only at the start."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from newsletter.config.loader import Newsletter
from newsletter.constants import SERVE_PORT
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from newsletter.web.public_address import PublicAddress

_EXTRA = ("anyio", "h11", "limits", "starlette", "uvicorn")


def serve(
    newsletter: Newsletter,
    *,
    host: str = "127.0.0.1",
    port: int = SERVE_PORT,
    ready: "Callable[[str, PublicAddress], None]",
) -> None:
    """Serve the public pages of a newsletter until Ctrl-C or SIGTERM.

    `ready` is called when the server listens, with its address on this machine and the public one. Raise
    ConfigError if `unsubscribe.url` leads elsewhere, or for a malformed secret of a webhook, SendRefused
    if no mail can be sent, and Unavailable if the port cannot be used or a package of `serve` is missing.
    """
    try:
        from newsletter.web.server import run
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        what = f"the server needs {package}, which is not installed"
        raise Unavailable(what, "install its packages: pip install limits starlette uvicorn") from missing
    run(newsletter, host=host, port=port, ready=ready)
