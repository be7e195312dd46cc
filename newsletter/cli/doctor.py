"""`news doctor`: what a look at everything that a send depends on has found."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import terminal
from newsletter.constants import PROVIDERS, REFUSED
from newsletter.display import counted

if TYPE_CHECKING:
    from newsletter.doctor.examine import Group
    from newsletter.findings import Finding

# State: a sign, the same in ASCII, and a colour.
_SIGNS = {
    "ok": ("✓", "+", "green"),
    "note": ("·", "-", "blue"),
    "warning": ("!", "!", "yellow"),
    "error": ("✗", "x", "red"),
    "skipped": ("○", "?", "white"),
}
_INDENT = 13


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of findings.")
@click.option("--offline", is_flag=True, help="Look only at what needs no connection.")
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings too.")
@click.option("--nameserver", metavar="ADDRESS[:PORT]", help="Ask this DNS server, not the system's.")
@click.option("--provider", type=click.Choice(PROVIDERS), help="Not the one that newsletter.yml names.")
@click.pass_obj
def doctor(
    folder: Path, as_json: bool, offline: bool, strict: bool, nameserver: str | None, provider: str | None
) -> None:
    """Look at all that a send depends on, and say what to mend.

    Configuration, secrets, database, provider, sender domain, unsubscribe page, clock. Changes nothing, sends
    nothing, and shows no secret. Exit code 1: there are errors.
    """
    from newsletter.doctor.examine import ExamineOptions, examine
    from newsletter.doctor.setup import Setup

    _understood(nameserver)
    setup = Setup.read(folder, os.environ, provider)
    groups = examine(setup, ExamineOptions(online=not offline, nameserver=nameserver))
    counted = _as_json(groups) if as_json else _as_text(groups)
    sys.exit(REFUSED if counted["error"] or (strict and counted["warning"]) else 0)


def _understood(nameserver: str | None) -> None:
    from newsletter.doctor.resolver import parse_nameserver

    try:
        if nameserver is not None:
            parse_nameserver(nameserver)
    except ValueError as failure:
        raise click.UsageError("--nameserver is an IP address, with a port or not: 192.0.2.1:53") from failure


def _as_json(groups: Iterable["Group"]) -> Counter[str]:
    found = [(heading, one) for heading, findings in groups for one in findings]
    rows = [
        {"group": heading, "looked_at": one.looked_at, "state": one.state, "what": one.what, "fix": one.fix}
        for heading, one in found
    ]
    click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    return Counter(one.state for _, one in found)


def _as_text(groups: Iterable["Group"]) -> Counter[str]:
    """Each group as it comes, and a line that counts at the end."""
    counted: Counter[str] = Counter()
    for heading, findings in groups:
        _print(click.style(heading, bold=True))
        for finding in findings:
            counted[finding.state] += 1
            _show(finding)
        _print("")
    _print(_summary(counted))
    return counted


def _show(finding: "Finding") -> None:
    sign, plain, colour = _SIGNS[finding.state]
    sign = sign if _can_show(sign) else plain
    label = click.style(f"{sign} {finding.state:<7}", fg=colour)
    first, *rest = terminal.wrapped(f"{finding.looked_at}: {finding.what}", _INDENT, always=True)
    fix = terminal.wrapped(finding.fix, _INDENT + 2, always=True) if finding.fix else []
    for line in (f"  {label}  {first.lstrip()}", *rest, *fix):
        _print(line)


def _summary(states: Counter[str]) -> str:
    bad = [counted(states[state], state) for state in ("error", "warning", "note") if states[state]]
    told = [*bad, f"{states['ok']} ok", *([f"{states['skipped']} skipped"] if states["skipped"] else [])]
    well = not (states["error"] or states["warning"] or states["skipped"])
    return ", ".join(told) + "." + (" All is well." if well else "")


def _print(line: str) -> None:
    """With colours where they are seen and wanted (https://no-color.org)."""
    click.echo(line, color=False if os.environ.get("NO_COLOR") else None)


def _can_show(sign: str) -> bool:
    try:
        sign.encode(sys.stdout.encoding or "ascii")
        return True
    except UnicodeEncodeError:
        return False
