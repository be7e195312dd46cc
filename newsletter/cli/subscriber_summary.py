"""The numbers of the list, as text in the terminal and as JSON."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from newsletter.cli import output
from newsletter.cli.layout import show_heading, show_number, show_text
from newsletter.cli.output import Styled
from newsletter.display import counted, shortened

if TYPE_CHECKING:
    from newsletter.store.list_statistics import ListStatistics, Movement

_NOTES = {
    "pending": "have not confirmed yet",
    "bounced": "their mailboxes take no mail",
    "complained": "reported the newsletter as spam",
}
_BAR_WIDTH, _LEGEND = 30, "+ joined, - left"
_NAME_WIDTH, _COUNT_WIDTH = 32, 9


def show_statistics(numbers: "ListStatistics") -> None:
    """Show the numbers of the list."""
    active = numbers.states["active"]
    people = "1 PERSON GETS" if active == 1 else f"{active:,} PEOPLE GET" if active else "NOBODY GETS"
    show_heading(f"{people} THE NEWSLETTER", "green" if active else "yellow")
    for state, number in numbers.states.items():
        if number or state in ("active", "unsubscribed"):
            show_number(state.capitalize(), f"{number:,}", [_NOTES[state]] if state in _NOTES else [])
    if numbers.forgotten:
        show_number("Forgotten", f"{numbers.forgotten:,}", ["of whom only a hash of the address is left"])
    output.echo()
    _show_last(numbers)
    _show_months(numbers.months)
    _show_shares("How they joined", numbers.origins, active)
    domains = list(numbers.domains)
    if numbers.other_domains:
        rest = active - sum(people for _, people in domains)
        domains.append((f"at {counted(numbers.other_domains, 'other domain')}", rest))
    _show_shares("Where their mail is", domains, active)


def statistics_as_json(numbers: "ListStatistics") -> str:
    """Return the numbers of the list as JSON."""
    since = numbers.since_last
    content = {
        "states": numbers.states,
        "forgotten": numbers.forgotten,
        "since_last_issue": {"issue": numbers.last_issue, **vars(since)} if since else None,
        "months": [
            {"month": f"{one.since:%Y-%m}", "joined": one.joined, "left": one.left} for one in numbers.months
        ],
        "joined_by": [{"how": how, "active": people} for how, people in numbers.origins],
        "domains": [{"domain": domain, "active": people} for domain, people in numbers.domains],
        "other_domains": numbers.other_domains,
    }
    return as_json(content)


def _show_last(numbers: "ListStatistics") -> None:
    if since := numbers.since_last:
        moved = f"{since.joined:,} joined and {since.left:,} left since its send began"
        show_text("Last issue", f"{numbers.last_issue}; {moved}")
        output.echo()


def _show_months(months: "Sequence[Movement]") -> None:
    """Show the months since the first one with a movement; the bars are those of who joined and who left."""
    first = next((n for n, one in enumerate(months) if one.joined or one.left), len(months))
    if first == len(months):
        return
    most = max(max(one.joined, one.left) for one in months)
    titles = f"  {'Month':<13}{'Joined':>{_COUNT_WIDTH}}{'Left':>{_COUNT_WIDTH}}  {_LEGEND}"
    output.echo(Styled(titles, bold=True))
    for one in months[first:]:
        bar = "+" * _bar(one.joined, most) + "-" * _bar(one.left, most)
        month, joined, left = f"{one.since:%Y-%m}", f"{one.joined:,}", f"{one.left:,}"
        output.echo(f"  {month:<13}{joined:>{_COUNT_WIDTH}}{left:>{_COUNT_WIDTH}}  {bar}".rstrip())
    output.echo()


def _bar(number: int, most: int) -> int:
    return max(round(number * _BAR_WIDTH / most), 1) if number else 0


def _show_shares(title: str, pairs: Sequence[tuple[str, int]], total: int) -> None:
    """Show how many of all active subscribers each name has."""
    if not pairs:
        return
    output.echo(Styled(f"  {title}", bold=True))
    for name, people in pairs:
        count, share = f"{people:,}", f"{people / total:.0%}"
        output.echo(f"    {shortened(name, _NAME_WIDTH):<{_NAME_WIDTH}}{count:>{_COUNT_WIDTH}}{share:>7}")
    output.echo()


def as_json(content: Any) -> str:
    """Return a record as JSON; a time is a text (ISO 8601)."""
    return json.dumps(content, default=lambda moment: moment.isoformat(), ensure_ascii=False, indent=1)
