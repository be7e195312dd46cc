"""The record of one person, as text in the terminal and as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.cli import output, terminal
from newsletter.cli.layout import show_command, show_heading, show_text
from newsletter.cli.output import Styled
from newsletter.cli.subscriber_summary import as_json

if TYPE_CHECKING:
    from newsletter.store.consent_history import ConsentEvent
    from newsletter.store.person_history import DeliveryRecord, ServiceMailRecord
    from newsletter.store.person_record import PersonRecord, ReceivedIssue, SubscriberRecord


_VERDICTS = {
    "pending": "NOT CONFIRMED YET, ASKED ON {}",
    "forgotten": "WAS FORGOTTEN ON {}",
    "paused": "NOT ON THE LIST: MAIL TO THE ADDRESS BOUNCED",
    "unknown": "NOT KNOWN HERE",
}


def show_person(record: "PersonRecord") -> None:
    """Show all that the newsletter has about a person, or that it has nothing."""
    if subscriber := record.subscriber:
        show_heading(_verdict(record), "green" if subscriber.state == "active" else "yellow")
        _show_subscriber(subscriber)
    else:
        show_heading(_verdict(record), "" if record.is_known else "yellow")
        show_text("Address", record.address)
    _show_sign_up(record)
    if record.paused_until:
        show_text("Bounce", f"no mail to confirm a sign-up until {_minute(record.paused_until)}")
    if subscriber:
        show_text("Number", f"{subscriber.id:,}, in the unsubscribe links of this person")
        output.echo()
        _show_issues(record.issues)
    _show_consents(record.consents)
    _show_service_mails(record.service_mails)
    _show_deliveries(record.deliveries)
    if record.forgotten_at and not subscriber:
        _show_forgotten(record.address)


def person_as_json(record: "PersonRecord") -> str:
    """Return the record of a person as JSON."""
    from newsletter.services.person_data import as_mapping

    return as_json(as_mapping(record))


def _verdict(record: "PersonRecord") -> str:
    if record.subscriber:
        return _verdict_on(record.subscriber)
    asked_at = record.sign_up.asked_at if record.sign_up else None
    since = asked_at if record.status == "pending" else record.forgotten_at
    return _VERDICTS[record.status].format(_day(since) if since else "")


def _verdict_on(subscriber: "SubscriberRecord") -> str:
    if subscriber.state == "active":
        return f"ON THE LIST SINCE {_day(subscriber.consent_at)}"
    if subscriber.state == "pending":
        return f"NOT CONFIRMED YET, ASKED ON {_day(subscriber.changed_at)}"
    return f"OFF THE LIST: {subscriber.state.upper()} ON {_day(subscriber.changed_at)}"


def _show_subscriber(subscriber: "SubscriberRecord") -> None:
    show_text("Address", subscriber.address)
    show_text("Name", subscriber.name or "none")
    show_text("State", _state(subscriber))
    show_text("Consent", _consent(subscriber))


def _show_sign_up(record: "PersonRecord") -> None:
    """Show the sign-up that waits, and that the person was forgotten before."""
    waiting = record.sign_up if record.sign_up and not record.sign_up.is_confirmed else None
    if waiting:
        asked = f"asked {_minute(waiting.asked_at)}, {waiting.how}; not confirmed"
        show_text("Sign-up", f"{asked}, the link works until {_minute(waiting.expires_at)}")
        show_text("Wording", waiting.wording)
    if record.forgotten_at and (record.subscriber or waiting):
        show_text("Forgotten", f"{_day(record.forgotten_at)}, before the person {_came_back(record)}")


def _came_back(record: "PersonRecord") -> str:
    return "was added again" if record.subscriber else "signed up"


def _show_forgotten(address: str) -> None:
    output.echo()
    _show_lines(
        "The newsletter has only a hash of this person's address, so that no import adds the address again."
    )
    show_command("If the owner of the address asks to subscribe", f"news subscribers add {address} --again")


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
    rows = [
        [
            issue.issue,
            f"{issue.provider} (rehearsal)" if issue.is_rehearsal else issue.provider,
            issue.outcome,
            _table_time(issue.at),
        ]
        for issue in issues
    ]
    _show_table(["Issue", "Through", "Outcome", "When (UTC)"], rows, [issue.reason for issue in issues])


def _show_consents(events: "Sequence[ConsentEvent]") -> None:
    """Show the history of the consents; words that several of them have are shown once."""
    if not events:
        return
    before = ["", *(event.wording for event in events)]
    notes = [
        f"Words of the form: {event.wording}" if event.wording and event.wording != last else ""
        for event, last in zip(events, before, strict=False)
    ]
    rows = [[event.change, event.how, _table_time(event.at)] for event in events]
    output.echo()
    _show_table(["Consent", "How", "When (UTC)"], rows, notes)


def _show_service_mails(mails: "Sequence[ServiceMailRecord]") -> None:
    if not mails:
        return
    rows = [[mail.kind, mail.state, _table_time(mail.settled_at or mail.written_at)] for mail in mails]
    output.echo()
    _show_table(["Other mail", "State", "When (UTC)"], rows, [mail.reason for mail in mails])


def _show_deliveries(reports: "Sequence[DeliveryRecord]") -> None:
    if not reports:
        return
    rows = [
        [one.kind, one.source, one.issue or "-", one.status or "-", _table_time(one.at)] for one in reports
    ]
    output.echo()
    _show_table(["Report", "From", "Issue", "Code", "When (UTC)"], rows, [""] * len(rows))


def _show_table(header: list[str], rows: list[list[str]], notes: Sequence[str]) -> None:
    """Show a table; the note of a row, if it has one, is below it."""
    table = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row, note in zip(table, ["", *notes], strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        output.echo(Styled("  " + "  ".join(cells).rstrip(), bold=row is header))
        if note:
            for line in terminal.wrapped(note, 6, always=True):
                output.echo(line)


def _table_time(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" if moment else "-"


def _show_lines(text: str) -> None:
    for line in terminal.wrapped(text, 2, always=True):
        output.echo(line)


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
