"""The preview's web server: uvicorn with a callback after its start and a quick shutdown."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import uvicorn

from newsletter.background import exit_now
from newsletter.constants import PREVIEW_PORT
from newsletter.limits.process import LimitedProcess
from newsletter.network.listening import listen, url_host, url_of
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
    with (
        closing(builds),
        closing(others),
        listen(host, port, default_port=PREVIEW_PORT) as listening,
        suppress(KeyboardInterrupt),  # Ctrl-C is the normal end of a preview
    ):
        url = url_of(host, listening)
        asyncio.run(_serve(workspace, name, url_host(host), listening, lambda: ready(url)))
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
