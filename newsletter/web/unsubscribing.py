"""Leave the list by the link of a mail: GET shows a button, POST leaves (RFC 8058), and an undo for a while."""

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from newsletter.background import run_in_thread
from newsletter.mail.unsubscribe_tokens import TEST
from newsletter.render.pages import masked_address
from newsletter.store import departures
from newsletter.subscribers.origins import ONE_CLICK, UNSUBSCRIBE_PAGE
from newsletter.web.bodies import FORM_BYTES, read_start
from newsletter.web.context import Context, context

log = logging.getLogger(__name__)

_ONE_CLICK = b"One-Click"


async def show_button(request: Request) -> Response:
    """Show the button that unsubscribes, or that the person has left; a link scanner changes nothing."""
    found, token = context(request), request.path_params["token"]
    if token == TEST:
        return found.page("test_link")
    if (subscriber_id := found.tokens.subscriber_id(token)) is None:
        return found.page("not_found", status=404)
    person = await run_in_thread(_read, found, subscriber_id)
    if person is None or person.has_left:
        return _left(found, token, person)
    return found.page("unsubscribe", {"address": masked_address(person.address)})


async def leave(request: Request) -> Response:
    """Unsubscribe; the answer is 200 for each token that is signed, also for a person who was forgotten.

    Nothing but the token counts: no cookie, no header, and no body, of which mail programs send several.
    """
    found, token = context(request), request.path_params["token"]
    try:
        body = await read_start(request, FORM_BYTES)
    except ClientDisconnect:
        body = b""
    if token == TEST:
        return found.page("test_link")
    if (subscriber_id := found.tokens.subscriber_id(token)) is None:
        return found.page("not_found", status=404)
    how, now = (ONE_CLICK if _ONE_CLICK in body else UNSUBSCRIBE_PAGE), found.now()
    await found.writer.write(lambda connection: departures.leave(connection, subscriber_id, how, now))
    log.info("unsubscribed", extra={"how": how})
    return _left(found, token, await run_in_thread(_read, found, subscriber_id))


async def undo(request: Request) -> Response:
    """Take back an unsubscription of the last days; otherwise show that the person has left."""
    found, token = context(request), request.path_params["token"]
    if (subscriber_id := found.tokens.subscriber_id(token)) is None:
        return found.page("not_found", status=404)
    now = found.now()
    has_returned = await found.writer.write(
        lambda connection: departures.undo(connection, subscriber_id, now)
    )
    person = await run_in_thread(_read, found, subscriber_id)
    if not has_returned and (person is None or person.has_left):
        return _left(found, token, person)
    return found.page("returned", {"address": masked_address(person.address) if person else ""})


def _left(found: Context, token: str, person: departures.Departure | None) -> Response:
    values = {
        "address": masked_address(person.address) if person else "",
        "token": token,
        "undo_until": person.undo_until(found.now()) if person else None,
    }
    return found.page("unsubscribed", values)


def _read(found: Context, subscriber_id: int) -> departures.Departure | None:
    with found.database.reading() as connection:
        return departures.read(connection, subscriber_id)
