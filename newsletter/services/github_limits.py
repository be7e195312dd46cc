"""The limits of GitHub that a send from there depends on, and how messages word them."""

from newsletter.config.model import Config

SAFE_UNDO_WINDOW_MINUTES = 90
"""GitHub may need 45 minutes to notice that a runner has vanished; the next run then needs some time."""
SHORT_UNDO_WINDOW = (
    f"is shorter than {SAFE_UNDO_WINDOW_MINUTES} minutes: GitHub may notice too late that a runner has "
    "vanished, and the next run can then not recall its unknown mail"
)
UNDO_WINDOW_FIX = f"write `send: {{undo_window: {SAFE_UNDO_WINDOW_MINUTES}m}}`"
# https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule
DAILY_RUN = (
    "the daily run may start hours late, and stops in a public repository after 60 days without activity: "
    "then start it by hand"
)


def has_short_undo_window(config: Config) -> bool:
    """Return True if held mail may leave before another run of GitHub can recall what is unknown."""
    seconds = config.send.undo_window_seconds
    return config.provider == "sendgrid" and 0 < seconds < SAFE_UNDO_WINDOW_MINUTES * 60
