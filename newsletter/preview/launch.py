"""Start the preview, or say which packages it needs. Imports the server only when it starts."""

from collections.abc import Callable
from pathlib import Path

from newsletter.constants import PREVIEW_PORT
from newsletter.errors import Unavailable

_EXTRA = ("starlette", "uvicorn", "watchfiles")


def serve(
    folder: Path,
    name: str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = PREVIEW_PORT,
    ready: Callable[[str], None],
) -> None:
    """Shows the named issue of the newsletter in `folder`, or always its newest, until Ctrl-C.

    `ready` gets the address once it answers; port 0 takes a free one. Raises Unavailable where the port is
    taken or the packages of `news[preview]` are missing; whatever is wrong with the input shows in the page.
    """
    try:
        from newsletter.preview.server import run
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in _EXTRA:
            raise
        what = f"the preview needs {missing.name}, which is not installed"
        raise Unavailable(
            what, "install what it needs: pip install starlette uvicorn watchfiles"
        ) from missing
    run(folder, name, host=host, port=port, ready=ready)
