"""The issues that somebody has before them: built when a file changes, checked when there is time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from newsletter.background import TimedOut, run_in_thread
from newsletter.checks import runner
from newsletter.errors import Problem
from newsletter.preview import outbox
from newsletter.preview.builder import Build, Page, builder
from newsletter.preview.event_stream import EventStream
from newsletter.preview.issue_list import IssueList
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
class IssueView:
    """An issue as built last, and the last time that it became a mail."""

    build: Build
    page: Page | None = None
    good: Page | None = None
    stale: bool = True
    followers: int = 0
    checked: bool = False
    changes: int = 0


class Workspace:
    """Builds at most once at a time, and tells followers only of what differs from the last.

    An issue goes by its name; "" is the one that the preview was started with, or always the newest.
    """

    def __init__(
        self,
        folder: Path,
        start: str | None = None,
        *,
        events: EventStream | None = None,
        build: Callable[[str | None], Build] | None = None,
        longest: float = LONGEST,
    ) -> None:
        self.folder = folder
        self.events = events or EventStream()
        self._start = start
        self._longest = longest
        self._build = build or (lambda name: builder(folder, name))
        self._views: dict[str, IssueView] = {}
        self._issues = IssueList(folder)
        self._one_build = asyncio.Lock()
        self._checking: asyncio.Task[None] | None = None

    async def view(self, name: str = "") -> IssueView:
        """An issue, built if it has changed since."""
        view = self._views.get(name)
        if view is None:
            self._forget()
            view = self._views[name] = IssueView(self._build(name or self._start))
        if view.stale:
            await self._rebuild(name, view)
        return view

    async def changed(self) -> None:
        """Builds what somebody follows, at once; lists and checks the issues afterwards."""
        for view in self._views.values():
            view.stale = True
            view.changes += 1
            view.checked = False  # a finding may hang on what the mail does not show: another issue
        for name, view in list(self._views.items()):
            if view.followers:
                await self._rebuild(name, view)
        await self._later()

    async def follow(self, name: str = "") -> AsyncIterator[str]:
        """Server-sent events of an issue and of the list, until close()."""
        view = await self.view(name)
        view.followers += 1
        try:
            await self._later()
            async for event in self.events.follow(f"page {name}", "issues", f"checked {name}", "outbox"):
                yield event
        finally:
            view.followers -= 1

    async def look(self) -> None:
        """Tells, while somebody follows, of what comes into the outbox and of what is sent; for ever."""
        while True:
            self.events.put("outbox", await run_in_thread(lambda: outbox.of(self.folder).stamp()))
            if await run_in_thread(self._issues.look_up_sends):
                await self._list()
            await asyncio.sleep(_LOOK)
            while not any(view.followers for view in self._views.values()):
                await asyncio.sleep(_LOOK)

    async def close(self) -> None:
        """Ends every follower and what goes on."""
        self.events.close()
        if self._checking:
            self._checking.cancel()
            with suppress(asyncio.CancelledError):
                await self._checking

    async def _rebuild(self, name: str, view: IssueView) -> None:
        async with self._one_build:
            if not view.stale:
                return
            view.stale = False
            built = await self._built(view)
            if built != view.page:
                same = view.good and view.good.issue == built.issue
                view.good = built if built.proof else view.good if same else None
                view.page, view.checked = built, False
                if built.proof is None:
                    self.events.drop(f"checked {name}")
                self.events.put(f"page {name}", page(self.folder, built, view.good))

    async def _built(self, view: IssueView) -> Page:
        try:
            return await run_in_thread(view.build, seconds=self._longest)
        except TimedOut:
            what = f"this takes longer than {self._longest:g} seconds"
            problem = Problem("", what, "look in your templates for a loop that does not end")
        except Exception as error:
            # A mistake in news itself is no reason to lose the page: the next save may well get past it.
            log.exception("the preview could not be built")
            problem = _failed(error)
        return Page(view.good.issue if view.good else "", problems=(problem,))

    async def _later(self) -> None:
        if self._checking:
            self._checking.cancel()
        self._checking = asyncio.create_task(self._check())

    async def _check(self) -> None:
        await asyncio.sleep(PAUSE)
        await self._list()
        for name, view in list(self._views.items()):
            built = view.page
            if not view.followers or view.checked or built is None or built.proof is None:
                continue
            changes = view.changes
            told = await run_in_thread(lambda built: checked(self.folder, built, _found(built)), built)
            if view.page is built:
                view.checked = view.changes == changes  # otherwise it read some files before they changed
                self.events.put(f"checked {name}", told)

    async def _list(self) -> None:
        self.events.put("issues", [asdict(one) for one in await run_in_thread(self._issues.issues)])

    def _forget(self) -> None:
        idle = [name for name, view in self._views.items() if name and not view.followers]
        for name in idle[: max(0, len(idle) - _KEPT)]:
            del self._views[name]
            for topic in ("page", "checked"):
                self.events.drop(f"{topic} {name}")


def _found(built: Page) -> list[Problem]:
    try:
        return runner.run(built.proof) if built.proof else []
    except Exception as error:
        log.exception("the checks could not be run")
        return [_failed(error)]


def _failed(error: Exception) -> Problem:
    what = f"news itself failed ({type(error).__name__}: {error})"
    return Problem("", what, "the terminal shows where; please report it")
