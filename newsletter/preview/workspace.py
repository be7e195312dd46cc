"""The issues that somebody has before them: built when a file changes, checked when there is time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from newsletter import checks
from newsletter.background import beside
from newsletter.errors import Problem
from newsletter.preview import outbox
from newsletter.preview.builder import Build, Page, builder
from newsletter.preview.event_stream import Feed
from newsletter.preview.issue_list import Shelf
from newsletter.preview.payloads import checked, page

# How long nothing is saved before checks begin: the mail is shown first, and they take the processor.
PAUSE = 0.15
# So many seconds an issue may take to become a mail.
LONGEST = 10.0
# How often it is looked whether something was sent, in seconds.
_LOOK = 0.5
# So many issues nobody looks at any more are kept as they were.
_KEPT = 12

log = logging.getLogger(__name__)


@dataclass
class Shown:
    """An issue as built last, and the last time that it became a mail."""

    build: Build
    page: Page | None = None
    good: Page | None = None
    stale: bool = True
    followers: int = 0
    checked: bool = False
    changes: int = 0


class Desk:
    """Builds at most once at a time, and tells followers only of what differs from the last.

    An issue goes by its name; "" is the one that the preview was started with, or always the newest.
    """

    def __init__(
        self,
        folder: Path,
        start: str | None = None,
        *,
        feed: Feed | None = None,
        build: Callable[[str | None], Build] | None = None,
        longest: float = LONGEST,
    ) -> None:
        self.folder = folder
        self.feed = feed or Feed()
        self._start = start
        self._longest = longest
        self._build = build or (lambda name: builder(folder, name))
        self._shown: dict[str, Shown] = {}
        self._shelf = Shelf(folder)
        self._one_build = asyncio.Lock()
        self._checking: asyncio.Task[None] | None = None

    async def shown(self, name: str = "") -> Shown:
        """An issue, built if it has changed since."""
        shown = self._shown.get(name)
        if shown is None:
            self._forget()
            shown = self._shown[name] = Shown(self._build(name or self._start))
        if shown.stale:
            await self._rebuild(name, shown)
        return shown

    async def changed(self) -> None:
        """Builds what somebody follows, at once; lists and checks the issues afterwards."""
        for shown in self._shown.values():
            shown.stale = True
            shown.changes += 1
            shown.checked = False  # a finding may hang on what the mail does not show: another issue
        for name, shown in list(self._shown.items()):
            if shown.followers:
                await self._rebuild(name, shown)
        await self._later()

    async def follow(self, name: str = "") -> AsyncIterator[str]:
        """Server-sent events of an issue and of the list, until close()."""
        shown = await self.shown(name)
        shown.followers += 1
        try:
            await self._later()
            async for event in self.feed.follow(f"page {name}", "issues", f"checked {name}", "outbox"):
                yield event
        finally:
            shown.followers -= 1

    async def look(self) -> None:
        """Tells, while somebody follows, of what comes into the outbox and of what is sent; for ever."""
        while True:
            self.feed.put("outbox", await beside(lambda: outbox.of(self.folder).stamp()))
            if await beside(self._shelf.look_up_sends):
                await self._list()
            await asyncio.sleep(_LOOK)
            while not any(shown.followers for shown in self._shown.values()):
                await asyncio.sleep(_LOOK)

    async def close(self) -> None:
        """Ends every follower and what goes on."""
        self.feed.close()
        if self._checking:
            self._checking.cancel()
            with suppress(asyncio.CancelledError):
                await self._checking

    async def _rebuild(self, name: str, shown: Shown) -> None:
        async with self._one_build:
            if not shown.stale:
                return
            shown.stale = False
            built = await self._built(shown)
            if built != shown.page:
                same = shown.good and shown.good.issue == built.issue
                shown.good = built if built.proof else shown.good if same else None
                shown.page, shown.checked = built, False
                if built.proof is None:
                    self.feed.drop(f"checked {name}")
                self.feed.put(f"page {name}", page(self.folder, built, shown.good))

    async def _built(self, shown: Shown) -> Page:
        try:
            return await beside(shown.build, seconds=self._longest)
        except TimeoutError:
            what = f"this takes longer than {self._longest:g} seconds"
            problem = Problem("", what, "look in your templates for a loop that does not end")
        except Exception as error:
            # A mistake in news itself is no reason to lose the page: the next save may well get past it.
            log.exception("the preview could not be built")
            problem = _failed(error)
        return Page(shown.good.issue if shown.good else "", problems=(problem,))

    async def _later(self) -> None:
        if self._checking:
            self._checking.cancel()
        self._checking = asyncio.create_task(self._check())

    async def _check(self) -> None:
        await asyncio.sleep(PAUSE)
        await self._list()
        for name, shown in list(self._shown.items()):
            built = shown.page
            if not shown.followers or shown.checked or built is None or built.proof is None:
                continue
            changes = shown.changes
            told = await beside(lambda built: checked(self.folder, built, _found(built)), built)
            if shown.page is built:
                shown.checked = shown.changes == changes  # otherwise it read some files before they changed
                self.feed.put(f"checked {name}", told)

    async def _list(self) -> None:
        self.feed.put("issues", [asdict(one) for one in await beside(self._shelf.issues)])

    def _forget(self) -> None:
        idle = [name for name, shown in self._shown.items() if name and not shown.followers]
        for name in idle[: max(0, len(idle) - _KEPT)]:
            del self._shown[name]
            for topic in ("page", "checked"):
                self.feed.drop(f"{topic} {name}")


def _found(built: Page) -> list[Problem]:
    try:
        return checks.run(built.proof) if built.proof else []
    except Exception as error:
        log.exception("the checks could not be run")
        return [_failed(error)]


def _failed(error: Exception) -> Problem:
    what = f"news itself failed ({type(error).__name__}: {error})"
    return Problem("", what, "the terminal shows where; please report it")
