"""Start the preview; report missing packages, which are imported only at the start."""

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
    """Serve the preview of the newsletter in `folder`, of the named or always its newest issue, until Ctrl-C.

    `ready` is called with the URL when the server listens; port 0 selects a free port. Problems of the files
    are shown in the page, not raised. Raise Unavailable if the port cannot be used, or if starlette, uvicorn
    or watchfiles is not installed.
    """
    try:
        from newsletter.preview.server import run
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in _EXTRA:
            raise
        what = f"the preview needs {missing.name}, which is not installed"
        raise Unavailable(what, "install its packages: pip install starlette uvicorn watchfiles") from missing
    run(folder, name, host=host, port=port, ready=ready)
