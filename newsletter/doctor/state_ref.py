"""Examine the state on its Git ref: its key, the remote, and what the ref holds; change nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime

from newsletter.doctor.setup import Setup
from newsletter.findings import Finding
from newsletter.services.github_limits import SHORT_UNDO_WINDOW, UNDO_WINDOW_FIX, has_short_undo_window
from newsletter.services.sealed_ref import SealedRef
from newsletter.state.state_key import VARIABLE
from newsletter.state.state_ref import check_size

_LABEL = "state ref"


def state_ref(setup: Setup, *, online: bool) -> Iterator[Finding]:
    """Yield findings on the state ref that newsletter.yml names; nothing if it names none.

    Raise the errors of `SealedRef.open` and `SealedRef.read`.
    """
    if setup.newsletter is None or setup.newsletter.config.state is None:
        return
    if setup.in_ci and has_short_undo_window(setup.newsletter.config):
        yield Finding("send.undo_window", "warning", SHORT_UNDO_WINDOW, UNDO_WINDOW_FIX)
    if setup.newsletter.secrets.state_key is None:
        yield Finding(_LABEL, "skipped", f"not asked: {VARIABLE} is not set")
        return
    sealed = SealedRef.open(setup.newsletter)
    if not online:
        yield Finding(_LABEL, "skipped", "not asked: --offline")
        return
    saved = sealed.read(sealed.existing_commit())
    lease = saved.lease
    what = (
        f"holds state number {lease.generation}, of {saved.archive.saved_at:%Y-%m-%d %H:%M} UTC, which "
        f"{lease.saved_by} saved"
    )
    yield Finding(sealed.place, "ok", what)
    if problem := check_size(saved.size):
        yield Finding.of(problem, _LABEL)
    if lease.deadline and lease.deadline > datetime.now(UTC):
        what = f"{lease.saved_by} may be sending, until {lease.deadline:%H:%M:%S} UTC at the latest"
        yield Finding(_LABEL, "note", what, "other machines wait until then")
