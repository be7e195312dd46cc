"""A person's own data: a link is mailed to the address, and shows, hands out and erases what is stored."""

import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from newsletter.background import run_in_thread
from newsletter.render.pages import masked_address
from newsletter.services.forget import forget
from newsletter.services.person_data import as_csv, as_json
from newsletter.store import service_mails
from newsletter.store.person_record import PersonRecord, read_person_with_id
from newsletter.subscribers.address import BadAddress, parse
from newsletter.web.bodies import read_form
from newsletter.web.context import Context, context
from newsletter.web.limits import refusal

log = logging.getLogger(__name__)

_MAX_TYPED = 320


async def show_form(request: Request) -> Response:
    """Show the form to get a link by mail."""
    return context(request).page("lost")


async def send_link(request: Request) -> Response:
    """Write the mail with the link, if the address is known; the page is the same for all addresses."""
    found = context(request)
    fields = await read_form(request)
    if refused := refusal(found, request):
        return refused
    typed = fields.get("address", "").strip()[:_MAX_TYPED]
    try:
        address = parse(typed)
    except BadAddress:
        return found.page("lost", {"typed": typed, "is_invalid": True}, HTTPStatus.UNPROCESSABLE_ENTITY)
    now = found.now()
    await found.writer.write(lambda connection: service_mails.ask_for_link(connection, address, now))
    found.wake_mailer()
    return found.page("lost_sent", {"address": masked_address(address.given)})


async def show(request: Request) -> Response:
    """Show all that is stored about the person of a link."""
    found = context(request)

    async def page(record: PersonRecord) -> Response:
        assert record.subscriber
        leave = found.tokens.token(record.subscriber.id)
        values = {"record": record, "token": request.path_params["token"], "unsubscribe_token": leave}
        return found.page("your_data", values)

    return await _with_record(request, page)


async def download_json(request: Request) -> Response:
    """Return the data as a JSON file."""

    async def file(record: PersonRecord) -> Response:
        content = json.dumps(as_json(record), ensure_ascii=False, indent=2) + "\n"
        return _attachment(content, "application/json", "my-data.json")

    return await _with_record(request, file)


async def download_csv(request: Request) -> Response:
    """Return the data as a CSV file."""

    async def file(record: PersonRecord) -> Response:
        return _attachment(as_csv(record), "text/csv", "my-data.csv")

    return await _with_record(request, file)


async def erase(request: Request) -> Response:
    """Erase all that is stored about the person of a link, if the box of the form is checked."""
    found, fields = context(request), await read_form(request)
    if not fields.get("erase"):
        return await show(request)

    async def erased(record: PersonRecord) -> Response:
        report = await run_in_thread(forget, found.newsletter, [parse(record.address)], found.now())
        for problem in report.problems:
            log.warning("after a person was forgotten: %s", problem)
        return found.page("erased")

    return await _with_record(request, erased)


async def _with_record(request: Request, answer: Callable[[PersonRecord], Awaitable[Response]]) -> Response:
    """Return the answer for the person of the link, or a page if there is none or the link has expired."""
    found = context(request)
    subject = found.links.data_subject(request.path_params["token"], found.now())
    if subject is None:
        return found.page("not_found", status=HTTPStatus.NOT_FOUND)
    subscriber_id, is_expired = subject
    record = None if is_expired else await run_in_thread(_read, found, subscriber_id)
    if record is None:
        return found.page("data_gone", status=HTTPStatus.GONE)
    return await answer(record)


def _read(found: Context, subscriber_id: int) -> PersonRecord | None:
    with found.database.reading() as connection:
        return read_person_with_id(connection, subscriber_id)


def _attachment(content: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=media_type)
