"""A person's own data: a link is mailed to the address, and shows, hands out and erases what is stored."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from newsletter.background import run_in_thread
from newsletter.constants import LEFT_STATES
from newsletter.services.forget import clean_up, erase_people
from newsletter.services.person_data import as_csv, as_json
from newsletter.store import unsubscription
from newsletter.store.data_links import ask_for_link
from newsletter.store.person_record import PersonRecord, SubscriberRecord, read_person_with_id
from newsletter.subscribers.address import half_hidden, parse
from newsletter.subscribers.origins import OWN_DATA_PAGE
from newsletter.web.bodies import read_address, read_form
from newsletter.web.context import Context, context
from newsletter.web.equal_time import equal_time
from newsletter.web.rate_limits import count_mail, count_request

log = logging.getLogger(__name__)

_ERASE_SECONDS = 1.0
"""The wait for processes that read the database: what they prevent now is done within an hour."""


async def show_form(request: Request) -> Response:
    """Show the form to get a link by mail."""
    return context(request).page("lost")


async def send_link(request: Request) -> Response:
    """Write the mail with the link, if the address is known; the page is the same for all addresses."""
    shared = context(request)
    count_request(request)
    form = await read_address(request)
    if form.address is None:
        values = {"address": form.typed, "problem": form.problem}
        return shared.page("lost", values, HTTPStatus.UNPROCESSABLE_ENTITY)
    address, now = form.address, shared.now()
    async with equal_time(shared.answer_seconds):
        count_mail(request)
        await shared.writer.write(lambda connection: ask_for_link(connection, address, now))
        shared.wake_mailer()
    return shared.page("lost_sent", {"address": half_hidden(address.given)})


async def show(request: Request) -> Response:
    """Show all that is stored about the person of a link."""
    return await _answer(request, _page)


async def download_json(request: Request) -> Response:
    """Return the data as a JSON file."""

    async def file(shared: Context, opened: "_Opened") -> Response:
        return _attachment(as_json(opened.record) + "\n", "application/json", "my-data.json")

    return await _answer(request, file)


async def download_csv(request: Request) -> Response:
    """Return the data as a CSV file."""

    async def file(shared: Context, opened: "_Opened") -> Response:
        return _attachment(as_csv(opened.record), "text/csv", "my-data.csv")

    return await _answer(request, file)


async def leave(request: Request) -> Response:
    """Unsubscribe the person of a link, and show the data again."""

    async def left(shared: Context, opened: "_Opened") -> Response:
        subscriber_id, now = opened.subscriber.id, shared.now()
        await shared.writer.write(
            lambda connection: unsubscription.leave(connection, subscriber_id, OWN_DATA_PAGE, now)
        )
        log.info("unsubscribed", extra={"how": "own data"})
        return await show(request)

    return await _answer(request, left)


async def erase(request: Request) -> Response:
    """Erase all that is stored about the person of a link, if the box of the form is checked."""
    fields = await read_form(request)

    async def erased(shared: Context, opened: "_Opened") -> Response:
        if not fields.get("sure"):
            return await _page(shared, opened, is_unsure=True)
        address, now = parse(opened.subscriber.address), shared.now()
        report, wanted = await shared.writer.write(
            lambda connection: erase_people(connection, [address], now)
        )
        async with shared.erasing:  # it reads the whole state folder
            await run_in_thread(clean_up, shared.newsletter, shared.database, wanted, report, _ERASE_SECONDS)
        for problem in report.problems:
            log.warning(
                "not all is erased yet: %s (the command is news subscribers forget; no log has the address)",
                problem,
            )
        if report.problems:
            shared.erase_later()
        return shared.page("erased", {"is_incomplete": bool(report.problems)})

    return await _answer(request, erased)


@dataclass(frozen=True)
class _Opened:
    """The data that a link opened; `closes` is the time until which it does."""

    token: str
    record: PersonRecord
    subscriber: SubscriberRecord
    closes: datetime


async def _answer(request: Request, answer: Callable[[Context, _Opened], Awaitable[Response]]) -> Response:
    """Return the answer for the person of a link, or a page if it has expired or the person is unknown."""
    shared, token = context(request), request.path_params["token"]
    link = shared.links.data_link(token)
    if link is None:
        return shared.page("not_found", status=HTTPStatus.NOT_FOUND)
    is_open = link.expires > shared.now()
    record = await run_in_thread(_read, shared, link.subscriber_id) if is_open else None
    if record is None or record.subscriber is None:
        return shared.page("data_gone", status=HTTPStatus.GONE)
    return await answer(shared, _Opened(token, record, record.subscriber, link.expires))


def _read(shared: Context, subscriber_id: int) -> PersonRecord | None:
    with shared.database.reading() as connection:
        return read_person_with_id(connection, subscriber_id)


async def _page(shared: Context, opened: _Opened, *, is_unsure: bool = False) -> Response:
    subscriber, record = opened.subscriber, opened.record
    changes = {event.change: event.at for event in record.consents}
    issues = [issue for issue in record.issues if issue.outcome == "accepted" and not issue.is_rehearsal]
    values = {
        "address": subscriber.address,
        "name": subscriber.name,
        "asked": changes.get("asked"),
        "confirmed": changes.get("confirmed"),
        "state": subscriber.state,
        "can_leave": subscriber.state not in LEFT_STATES,
        "issues": len(issues),
        "last_issue": issues[-1].at.date() if issues and issues[-1].at else None,
        "history": [{"at": each.at, "change": each.change, "how": each.how} for each in record.consents],
        "closes": opened.closes,
        "token": opened.token,
        "is_unsure": is_unsure,
    }
    return shared.page("your_data", values, HTTPStatus.UNPROCESSABLE_ENTITY if is_unsure else HTTPStatus.OK)


def _attachment(content: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=media_type)
