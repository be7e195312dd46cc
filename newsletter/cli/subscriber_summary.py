"""The record of one person and the numbers of the list, as text in the terminal and as JSON."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from newsletter.cli import output, terminal
from newsletter.cli.layout import show_command, show_heading, show_number, show_text
from newsletter.cli.output import Styled
from newsletter.display import counted, shortened

if TYPE_CHECKING:
    from newsletter.store.list_statistics import ListStatistics, Movement
    from newsletter.store.person_record import PersonRecord, ReceivedIssue, SubscriberRecord

_NOTES = {
    "pending": "have not confirmed yet",
    "bounced": "their mailboxes take no mail",
    "complained": "reported the newsletter as spam",
}
_BAR_WIDTH = 30
_NAME_WIDTH, _COUNT_WIDTH = 32, 9


def show_person(record: "PersonRecord") -> None:
    """Show all that the newsletter has about a person, or that it has nothing."""
    subscriber = record.subscriber
    if subscriber is None:
        show_heading(_verdict(record), "" if record.is_known else "yellow")
        show_text("Address", record.address)
        if record.is_known:
            output.echo()
            _show_lines(
                "The newsletter has only a hash of this person's address, so that no import adds the "
                "address again."
            )
            show_command(
                "If the owner of the address asks to subscribe",
                f"news subscribers add {record.address} --again",
            )
        return
    show_heading(_verdict(record), "green" if subscriber.state == "active" else "yellow")
    show_text("Address", subscriber.address)
    show_text("Name", subscriber.name or "none")
    show_text("State", _state(subscriber))
    show_text("Consent", _consent(subscriber))
    if record.forgotten_at:
        show_text("Forgotten", f"{_day(record.forgotten_at)}, before the person was added again")
    show_text("Number", f"{subscriber.id:,}, in the unsubscribe links of this person")
    output.echo()
    _show_issues(record.issues)


def person_as_json(record: "PersonRecord") -> str:
    """Return the record of a person as JSON."""
    subscriber = record.subscriber
    status = "subscriber" if subscriber else "forgotten" if record.is_known else "unknown"
    content = {
        "address": record.address,
        "status": status,
        "forgotten_at": record.forgotten_at,
        "subscriber": vars(subscriber) if subscriber else None,
        "issues": [vars(issue) for issue in record.issues],
    }
    return _json(content)


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
    return _json(content)


def _verdict(record: "PersonRecord") -> str:
    subscriber = record.subscriber
    if subscriber is None:
        return f"WAS FORGOTTEN ON {_day(record.forgotten_at)}" if record.forgotten_at else "NOT KNOWN HERE"
    if subscriber.state == "active":
        return f"ON THE LIST SINCE {_day(subscriber.consent_at)}"
    if subscriber.state == "pending":
        return f"NOT CONFIRMED YET, ASKED ON {_day(subscriber.changed_at)}"
    return f"OFF THE LIST: {subscriber.state.upper()} ON {_day(subscriber.changed_at)}"


def _state(subscriber: "SubscriberRecord") -> str:
    how = f" ({subscriber.changed_how})" if subscriber.changed_how else ""
    return f"{subscriber.state} since {_minute(subscriber.changed_at)}{how}"


def _consent(subscriber: "SubscriberRecord") -> str:
    source = f" from {subscriber.consent_source}" if subscriber.consent_source else ""
    return f"{_minute(subscriber.consent_at)}, {subscriber.consent_how}{source}"


def _show_issues(issues: "Sequence[ReceivedIssue]") -> None:
    if not issues:
        output.echo("  No issue was sent to this address.")
        return
    table = [["Issue", "Through", "Outcome", "When (UTC)"]]
    for issue in issues:
        through = f"{issue.provider} (rehearsal)" if issue.is_rehearsal else issue.provider
        table.append([issue.issue, through, issue.outcome, f"{issue.at:%Y-%m-%d %H:%M}" if issue.at else "-"])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row, reason in zip(table, ["", *(issue.reason for issue in issues)], strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        output.echo(Styled("  " + "  ".join(cells).rstrip(), bold=row is table[0]))
        if reason:
            for line in terminal.wrapped(reason, 6, always=True):
                output.echo(line)


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
    output.echo(Styled(f"  {'Month':<13}{'Joined':>{_COUNT_WIDTH}}{'Left':>{_COUNT_WIDTH}}", bold=True))
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


def _show_lines(text: str) -> None:
    for line in terminal.wrapped(text, 2, always=True):
        output.echo(line)


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _json(content: Any) -> str:
    return json.dumps(content, default=lambda moment: moment.isoformat(), ensure_ascii=False, indent=1)
