"""The preview's web server: uvicorn with a callback after its start and a quick shutdown."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import uvicorn

from newsletter.background import exit_now
from newsletter.constants import PREVIEW_PORT
from newsletter.errors import Unavailable
from newsletter.limits.process import LimitedProcess
from newsletter.preview.access import LOOPBACK
from newsletter.preview.file_watcher import changes
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace

MAX_BUILD_SECONDS = 10.0
"""The time limit of a build, and of the checks of an issue, in the preview."""


def run(folder: Path, name: str | None, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; see `newsletter.preview.launch.serve`."""
    # Before there is a socket or a thread, because the processes are forks of this one.
    builds, others = LimitedProcess(MAX_BUILD_SECONDS), LimitedProcess(MAX_BUILD_SECONDS)
    workspace = Workspace(folder, name, limited_build=builds.run, limited=others.run)
    with closing(builds), closing(others), _listen(host, port) as listening:
        url_host = f"[{host}]" if ":" in host else host
        url = f"http://{url_host}:{listening.getsockname()[1]}/"
        with suppress(KeyboardInterrupt):  # Ctrl-C is the normal end of a preview
            asyncio.run(_serve(workspace, name, url_host, listening, lambda: ready(url)))
    exit_now()


async def _serve(
    workspace: Workspace, name: str | None, host: str, listening: socket.socket, ready: Callable[[], None]
) -> None:
    web = app(workspace, hosts=LOOPBACK | {host}, changed=lambda: changes(workspace.folder, name))
    # Keep the program's logging: uvicorn's own configuration would print its messages in another format.
    config = uvicorn.Config(
        web,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # access control needs the peer's address, not X-Forwarded-For
        timeout_graceful_shutdown=1,
    )
    await _Server(config, workspace, ready).serve([listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        host.encode("idna")  # `socket` raises several types of errors for text that no host name can be
        return socket.create_server((host, port), family=family)
    except UnicodeError as failure:
        raise _elsewhere(host) from failure
    except OSError as failure:
        if failure.errno in (errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN):
            raise _elsewhere(host) from failure
        if failure.errno == errno.EADDRINUSE:
            what = f"port {port} is in use"
            hint = f"use another port if no preview of yours runs there: --port {port + 1}"
        else:
            what = f"port {port} on {host} cannot be used ({os.strerror(failure.errno or 0)})"
            hint = f"use another port: --port {PREVIEW_PORT}"
        raise Unavailable(what, hint) from failure


def _elsewhere(host: str) -> Unavailable:
    hint = "listen on 127.0.0.1, or on every address of this machine: --host 0.0.0.0"
    return Unavailable(f"{host} is not an address of this machine", hint)


class _Server(uvicorn.Server):
    """Call `listening` after the start; close the workspace at shutdown, which ends its event streams."""

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
