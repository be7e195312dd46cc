"""Build the issues that browsers show after each change of a file, and check them afterwards."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from newsletter.background import run_in_thread
from newsletter.checks.proof import Proof
from newsletter.errors import LimitReached, Problem
from newsletter.limits.process import Limiter
from newsletter.preview import archive_page, outbox, payloads
from newsletter.preview.archive_page import ArchivePage, PageHistory
from newsletter.preview.builder import Page, build
from newsletter.preview.event_stream import EventStream
from newsletter.preview.issue_list import IssueList
from newsletter.preview.payloads import checked, page

# Checks start this long after the last change, so that they do not delay the display of the mail.
CHECK_DELAY_SECONDS = 0.15
# The interval at which the outbox and the ledger are read for new messages and sends.
_POLL_SECONDS = 0.5
# The number of built issues without a follower that are kept in memory.
_MAX_IDLE_VIEWS = 12

log = logging.getLogger(__name__)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass
class IssueView:
    """An issue with its last build (`page`) and its last build without problems (`good`)."""

    build: Callable[[], Page]
    page: Page | None = None
    good: Page | None = None
    # True if a file has changed since the last build.
    stale: bool = True
    # The number of open event streams of this issue.
    followers: int = 0
    # True if the result of the checks is that of the last build.
    checked: bool = False
    # The number of file changes, to detect a change while the checks run.
    changes: int = 0
    # The page in the archive, if it was looked at.
    page_history: PageHistory | None = None


def call(
    function: Callable[Parameters, Result], /, *arguments: Parameters.args, **options: Parameters.kwargs
) -> Result:
    """Call a function without limits."""
    return function(*arguments, **options)


class Workspace:
    """Build issues, one at a time, and send events to followers if the result has changed.

    Issues are identified by name; "" is the issue that the preview was started with, or else the newest one.
    `limited_build` calls the function that builds an issue, and `limited` the others that read one: they are
    two, so that a save does not wait for the checks.
    """

    def __init__(
        self,
        folder: Path,
        start: str | None = None,
        *,
        events: EventStream | None = None,
        build: Callable[[Path, str | None], Page] = build,
        limited_build: Limiter = call,
        limited: Limiter = call,
    ) -> None:
        self.folder = folder
        self.events = events or EventStream()
        self._start = start
        self.limited = limited
        self._limited_build = limited_build
        self._build = lambda name: limited_build(build, folder, name)
        self._views: dict[str, IssueView] = {}
        self._issues = IssueList(folder)
        self._one_build = asyncio.Lock()
        self._checking: asyncio.Task[None] | None = None
        self._changes = 0

    async def view(self, name: str = "") -> IssueView:
        """Return the view of an issue; build the issue first if a file has changed."""
        view = self._views.get(name)
        if view is None:
            self._drop_idle()
            view = self._views[name] = IssueView(partial(self._build, name or self._start))
        if view.stale:
            await self._rebuild(name, view)
        return view

    async def changed(self) -> None:
        """Build the followed issues again; list all issues and check the followed ones shortly afterwards."""
        for view in self._views.values():
            view.stale = True
            view.changes += 1
            view.checked = False  # a check may read other files, such as another issue
        for name, view in list(self._views.items()):
            if view.followers:
                await self._rebuild(name, view)
        self._changes += 1
        self.events.put("files", self._changes)
        await self._check_later()

    async def page_history(self, name: str = "") -> PageHistory | None:
        """Return an issue's page in the archive and its last valid one; render it if a file has changed.

        It is rendered only when it is looked at. Return None if there was no build without problems.
        """
        view = await self.view(name)
        good, changes, before = view.good, view.changes, view.page_history
        if good is None or good.proof is None:
            return None
        if before and before.source is good and before.changes == changes:
            return before
        site = good.proof.newsletter.site
        latest = await run_in_thread(self._render_archive_page, good.proof)
        view.page_history = PageHistory.with_render(before, good, changes, site, latest)
        return view.page_history

    def _render_archive_page(self, proof: Proof) -> ArchivePage:
        try:
            published = self._issues.published(datetime.now(UTC).date())
            return self._limited_build(archive_page.build, proof.newsletter, proof.issue, published)
        except LimitReached as reached:
            return ArchivePage(problems=tuple(reached.problems))
        except Exception as error:
            log.exception("the page of the archive could not be rendered")
            return ArchivePage(problems=(_internal_problem(error),))

    async def follow(self, name: str = "") -> AsyncIterator[str]:
        """Yield server-sent events about an issue, the list of issues and the outbox, until close()."""
        view = await self.view(name)
        view.followers += 1
        try:
            await self._check_later()
            async for event in self.events.follow(
                f"page {name}", "issues", f"checked {name}", "outbox", "files"
            ):
                yield event
        finally:
            view.followers -= 1

    async def poll(self) -> None:
        """Send events for new messages and new sends, while there are followers; never return."""
        while True:
            self.events.put("outbox", await run_in_thread(lambda: outbox.of(self.folder).stamp()))
            if await run_in_thread(self._issues.look_up_sends):
                await self._send_list()
            await asyncio.sleep(_POLL_SECONDS)
            while not any(view.followers for view in self._views.values()):
                await asyncio.sleep(_POLL_SECONDS)

    async def close(self) -> None:
        """End every event stream and the running checks."""
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
            built = await self._run_build(view)
            if built != view.page:
                same = view.good and view.good.issue == built.issue
                view.good = built if built.proof else view.good if same else None
                view.page, view.checked = built, False
                if built.proof is None:
                    self.events.drop(f"checked {name}")
                shown = await run_in_thread(page, self.folder, built, view.good)  # reads lines of files
                self.events.put(f"page {name}", shown)

    async def _run_build(self, view: IssueView) -> Page:
        try:
            return await run_in_thread(view.build)
        except LimitReached as reached:
            (problem,) = reached.problems
        except Exception as error:
            # A bug in news must not end the preview: the next build may succeed.
            log.exception("the preview could not be built")
            problem = _internal_problem(error)
        return Page(view.good.issue if view.good else "", problems=(problem,))

    async def _check_later(self) -> None:
        if self._checking:
            self._checking.cancel()
        self._checking = asyncio.create_task(self._check())

    async def _check(self) -> None:
        await asyncio.sleep(CHECK_DELAY_SECONDS)
        await self._send_list()
        for name, view in list(self._views.items()):
            built = view.page
            if not view.followers or view.checked or built is None or built.proof is None:
                continue
            changes = view.changes
            result = await run_in_thread(self._checked, built)
            if view.page is built:
                view.checked = view.changes == changes  # False if a file has changed during the checks
                self.events.put(f"checked {name}", result)

    def _checked(self, built: Page) -> dict[str, Any]:
        try:
            return self.limited(checked, self.folder, built)
        except LimitReached as reached:
            return payloads.check_results(self.folder, built, reached.problems)
        except Exception as error:
            log.exception("the checks could not be run")
            return payloads.check_results(self.folder, built, [_internal_problem(error)])

    async def _send_list(self) -> None:
        self.events.put("issues", [asdict(issue) for issue in await run_in_thread(self._issues.issues)])

    def _drop_idle(self) -> None:
        idle = [name for name, view in self._views.items() if name and not view.followers]
        for name in idle[: max(0, len(idle) - _MAX_IDLE_VIEWS)]:
            del self._views[name]
            for topic in ("page", "checked"):
                self.events.drop(f"{topic} {name}")


def _internal_problem(error: Exception) -> Problem:
    what = f"news itself failed ({type(error).__name__}: {error})"
    return Problem("", what, "the terminal shows the details; please report it")
