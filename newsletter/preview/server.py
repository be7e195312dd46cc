"""The preview's web server: uvicorn, taught to say when it listens and to stop."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from newsletter.background import exit_now
from newsletter.constants import PREVIEW_PORT
from newsletter.errors import Unavailable
from newsletter.preview.access import LOOPBACK
from newsletter.preview.file_watcher import changes
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace


def run(folder: Path, name: str | None, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until Ctrl-C; see `newsletter.preview.serve`."""
    with _listen(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listening.getsockname()[1]}/"
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a preview ends
            asyncio.run(_serve(folder, name, shown, listening, lambda: ready(url)))
    exit_now()


async def _serve(
    folder: Path, name: str | None, host: str, listening: socket.socket, ready: Callable[[], None]
) -> None:
    workspace = Workspace(folder, name)
    web = app(workspace, hosts=LOOPBACK | {host}, changed=lambda: changes(folder, name))
    # Logging as the program has set it up: uvicorn's own would print a line for every request.
    config = uvicorn.Config(
        web,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # whoever is near is not to be found out from what is sent
        timeout_graceful_shutdown=1,
    )
    await _Server(config, workspace, ready).serve([listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as failure:
        if failure.errno == errno.EADDRINUSE:
            what = f"port {port} is taken"
            hint = f"if that is no preview of yours, use another port: --port {port + 1}"
        else:
            why = os.strerror(failure.errno) if failure.errno and failure.errno > 0 else failure.strerror
            what = f"port {port} on {host} cannot be used ({why})"
            hint = f"use another port: --port {PREVIEW_PORT}"
        raise Unavailable(what, hint) from failure


class _Server(uvicorn.Server):
    """uvicorn says when it listens, and at its end does not wait for event streams, which have none."""

    def __init__(self, config: uvicorn.Config, workspace: Workspace, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._workspace = workspace
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._workspace.close()
        await super().shutdown(sockets)
