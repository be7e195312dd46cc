"""Refuse invalid settings of checks in newsletter.yml, and list those that lower a check or switch it off."""

from collections.abc import Iterator
from dataclasses import dataclass

from newsletter.checks.registry import CHECKS, refuse_unknown
from newsletter.config.loader import Newsletter
from newsletter.config.model import CheckSetting
from newsletter.errors import SEVERITIES, ConfigError, Problem, Severity

# The checks that find no errors.
_ONLY_WARNINGS = frozenset(
    {
        "accessibility",
        "clients",
        "doubled-words",
        "headings",
        "hidden-characters",
        "images",
        "link-text",
        "long-passages",
        "monday",
        "preheader",
        "redirects",
        "repeated",
        "shouting",
        "stray-markdown",
        "subject",
        "tap-targets",
        "tracked-links",
    }
)
# The checks that newsletter.yml can neither lower nor switch off, each with the reason.
ALWAYS_ERRORS = {
    "private-files": "a repository must hold no secrets and no addresses",
    "unsubscribe": "each reader must be able to unsubscribe",
}
# The checks with some errors of `fixed_severity`: they also run when they are switched off.
WITH_FIXED_ERRORS = frozenset({"placeholders", "tracking"})
_ORDER = ("off", *reversed(SEVERITIES))


@dataclass(frozen=True)
class LoweredCheck:
    """A check that newsletter.yml switches off, or whose findings it makes less severe than by default.

    `default` is the most severe finding of the check by default; `where` is the line of newsletter.yml.
    """

    name: str
    severity: str
    default: Severity
    reason: str
    where: str

    def __str__(self) -> str:
        change = f"is lowered from {self.default} to {self.severity}"
        change = "is switched off" if self.severity == "off" else change
        return f"{self.name} {change}{f': {self.reason}' if self.reason else ''}"

    @property
    def problem(self) -> Problem:
        """Return the lowered check as a note at its line."""
        return Problem(self.where, str(self), severity="note", check=self.name)


def default_severity(name: str) -> Severity:
    """Return the severity of a check's most severe finding, without newsletter.yml."""
    return "warning" if name in _ONLY_WARNINGS else "error"


def lowered(newsletter: Newsletter) -> tuple[LoweredCheck, ...]:
    """Return the checks that newsletter.yml switches off or lowers."""
    return tuple(
        LoweredCheck(
            name,
            setting.severity,
            default_severity(name),
            setting.reason or "",
            newsletter.where("checks", name),
        )
        for name, setting in newsletter.config.checks.items()
        if name in CHECKS and _is_lower(name, setting)
    )


def refuse_invalid(newsletter: Newsletter) -> None:
    """Raise ConfigError if newsletter.yml names an unknown check, or lowers errors without a reason.

    It is also raised if newsletter.yml lowers a check that must stay an error.
    """
    refuse_unknown(newsletter)
    if problems := list(_problems(newsletter)):
        raise ConfigError(problems)


def _problems(newsletter: Newsletter) -> Iterator[Problem]:
    for check in lowered(newsletter):
        if check.name in ALWAYS_ERRORS:
            what = f"checks.{check.name} is always an error, because {ALWAYS_ERRORS[check.name]}"
            yield Problem(check.where, what, "delete this line")
        elif check.default == "error" and not check.reason:
            what = f"checks.{check.name} is lowered from error to {check.severity} without a reason"
            fix = f"write {{severity: {check.severity}, reason: why it is lowered}}"
            yield Problem(check.where, what, fix)


def _is_lower(name: str, setting: CheckSetting) -> bool:
    return _ORDER.index(setting.severity) < _ORDER.index(default_severity(name))
