"""Refuse invalid settings of checks in newsletter.yml, and list those that lower a check or switch it off."""

from dataclasses import dataclass
from difflib import get_close_matches

from newsletter.checks.registry import CHECKS
from newsletter.config.loader import Newsletter
from newsletter.config.model import CheckSetting
from newsletter.display import printable
from newsletter.errors import SEVERITIES, ConfigError, Problem, Severity

# The settings of a check, the least severe first.
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
        is_off = self.severity == "off"
        change = "is switched off" if is_off else f"is lowered from {self.default} to {self.severity}"
        return f"{self.name} {change}{f': {self.reason}' if self.reason else ''}"

    @property
    def problem(self) -> Problem:
        """Return the lowered check as a note at its line."""
        return Problem(self.where, str(self), severity="note", check=self.name)


def lowered(newsletter: Newsletter) -> tuple[LoweredCheck, ...]:
    """Return the checks that newsletter.yml switches off or lowers."""
    return tuple(
        LoweredCheck(
            name,
            setting.severity,
            CHECKS[name].default,
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
    unknown = [_unknown(newsletter, name) for name in newsletter.config.checks if name not in CHECKS]
    if problems := unknown or [*filter(None, map(_refused, lowered(newsletter)))]:
        raise ConfigError(problems)


def _unknown(newsletter: Newsletter, name: str) -> Problem:
    near = get_close_matches(name, CHECKS, n=1)
    fix = f"did you mean `{near[0]}`?" if near else f"the checks: {', '.join(CHECKS)}"
    return Problem(newsletter.where("checks", name), f"there is no check `{printable(name)}`", fix)


def _refused(check: LoweredCheck) -> Problem | None:
    """Return the reason why a check must not be lowered like this, or None."""
    if reason := CHECKS[check.name].always_error:
        what = f"checks.{check.name} is always an error, because {reason}"
        return Problem(check.where, what, "delete this line")
    if check.default == "error" and not check.reason:
        what = f"checks.{check.name} is lowered from error to {check.severity} without a reason"
        fix = f"write {{severity: {check.severity}, reason: why it is lowered}}"
        return Problem(check.where, what, fix)
    return None


def _is_lower(name: str, setting: CheckSetting) -> bool:
    return _ORDER.index(setting.severity) < _ORDER.index(CHECKS[name].default)
