"""`news doctor`: print the findings about everything that a send depends on."""

import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import command
from newsletter.cli.output import Styled
from newsletter.constants import PROVIDERS, REFUSED
from newsletter.display import counted

if TYPE_CHECKING:
    from newsletter.doctor.examine import Group
    from newsletter.findings import Finding

# The sign of each state, its ASCII replacement, and its colour.
_SIGNS = {
    "ok": ("✓", "+", "green"),
    "note": ("·", "-", "blue"),
    "warning": ("!", "!", "yellow"),
    "error": ("✗", "x", "red"),
    "skipped": ("○", "?", "white"),
}
_INDENT = 13


@command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, for programs.")
@click.option("--offline", is_flag=True, help="Skip everything that needs a network connection.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@click.option("--nameserver", metavar="ADDRESS[:PORT]", help="Ask this DNS server, not that of the system.")
@click.option(
    "--provider", type=click.Choice(PROVIDERS), help="Examine this provider, not the one in newsletter.yml."
)
@click.pass_obj
def doctor(
    folder: Path, as_json: bool, offline: bool, strict: bool, nameserver: str | None, provider: str | None
) -> None:
    """Examine everything that a send depends on.

    Configuration, secrets, database, provider, sender domain, unsubscribe page and clock. Changes nothing,
    sends no mail and shows no secret. Exit code 1: there are errors.
    """
    from newsletter.doctor.examine import ExamineOptions, examine
    from newsletter.doctor.setup import Setup

    _check_nameserver(nameserver)
    setup = Setup.read(folder, os.environ, provider)
    groups = examine(setup, ExamineOptions(online=not offline, nameserver=nameserver))
    states = _as_json(groups) if as_json else _as_text(groups)
    sys.exit(REFUSED if states["error"] or (strict and states["warning"]) else 0)


def _check_nameserver(nameserver: str | None) -> None:
    from newsletter.doctor.resolver import parse_nameserver

    try:
        if nameserver is not None:
            parse_nameserver(nameserver)
    except ValueError as failure:
        raise click.UsageError(
            "--nameserver needs an IP address, with or without a port: 192.0.2.1:53"
        ) from failure


def _as_json(groups: Iterable["Group"]) -> Counter[str]:
    import json

    rows = [
        {
            "group": heading,
            "looked_at": finding.looked_at,
            "state": finding.state,
            "what": finding.what,
            "fix": finding.fix,
        }
        for heading, findings in groups
        for finding in findings
    ]
    output.echo_json(json.dumps(rows, indent=2, ensure_ascii=False))
    return Counter(row["state"] for row in rows)


def _as_text(groups: Iterable["Group"]) -> Counter[str]:
    """Print each group once it is examined, then a summary line; return the number of findings by state."""
    states: Counter[str] = Counter()
    for heading, findings in groups:
        output.echo(Styled(heading, bold=True))
        for finding in findings:
            states[finding.state] += 1
            _show(finding)
        output.echo()
    output.echo(_summary(states))
    return states


def _show(finding: "Finding") -> None:
    sign, plain, colour = _SIGNS[finding.state]
    sign = sign if _can_show(sign) else plain
    first, *more = terminal.wrapped(f"{finding.looked_at}: {finding.what}", _INDENT, always=True)
    fix = terminal.wrapped(finding.fix, _INDENT + 2, always=True) if finding.fix else []
    output.echo("  ", Styled(f"{sign} {finding.state:<7}", colour), f"  {first.lstrip()}")
    for line in (*more, *fix):
        output.echo(line)


def _summary(states: Counter[str]) -> str:
    bad = [counted(states[state], state) for state in ("error", "warning", "note") if states[state]]
    parts = [*bad, f"{states['ok']} ok", *([f"{states['skipped']} skipped"] if states["skipped"] else [])]
    well = not (states["error"] or states["warning"] or states["skipped"])
    return ", ".join(parts) + "." + (" No problems found." if well else "")


def _can_show(sign: str) -> bool:
    try:
        sign.encode(sys.stdout.encoding or "ascii")
        return True
    except UnicodeEncodeError:
        return False
