"""Leave the list by the link of a mail: GET shows a button, POST leaves (RFC 8058); and its undo."""

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from newsletter.background import run_in_thread
from newsletter.constants import LEFT_STATES
from newsletter.mail.unsubscribe_tokens import is_test
from newsletter.store.unsubscription import UNDO_PERIOD, Subscription, find_subscription, leave, undo_leave
from newsletter.subscribers.address import half_hidden
from newsletter.subscribers.origins import ONE_CLICK, UNSUBSCRIBE_PAGE, StateOrigin
from newsletter.web.bodies import FORM_BYTES, read_start
from newsletter.web.context import Context, context

log = logging.getLogger(__name__)

_ONE_CLICK = b"One-Click"


async def show_button(request: Request) -> Response:
    """Show the button that unsubscribes, or that the person has left; a link scanner changes nothing."""
    found, token = context(request), request.path_params["token"]
    if is_test(token):
        return found.page("test_link")
    if (subscriber_id := found.tokens.subscriber_id(token)) is None:
        return found.page("not_found", status=404)
    subscription = await run_in_thread(_read, found, subscriber_id)
    if subscription is None or subscription.state in LEFT_STATES:
        return _left(found, token, subscription)
    return found.page("unsubscribe", {"address": half_hidden(subscription.address)})


async def unsubscribe(request: Request) -> Response:
    """Unsubscribe; the answer is 200 for each token that is signed, also for a person who was forgotten.

    Nothing but the token counts: no cookie, no header, and no body, of which mail programs send several.
    """
    found, token = context(request), request.path_params["token"]
    try:
        body = await read_start(request, FORM_BYTES)
    except ClientDisconnect:
        body = b""
    if is_test(token):
        return found.page("test_link", {"is_pressed": True})
    if (subscriber_id := found.tokens.subscriber_id(token)) is None:
        return found.page("not_found", status=404)
    how: StateOrigin = ONE_CLICK if _ONE_CLICK in body else UNSUBSCRIBE_PAGE
    now = found.now()
    has_left = await found.writer.write(lambda connection: leave(connection, subscriber_id, how, now))
    log.info("unsubscribed", extra={"how": how, "changed": has_left})
    return _left(found, token, await run_in_thread(_read, found, subscriber_id))


async def take_back(request: Request) -> Response:
    """Take back an unsubscription of the last days; otherwise show that the person has left."""
    found, token = context(request), request.path_params["token"]
    if (subscriber_id := found.tokens.subscriber_id(token)) is None:
        return found.page("not_found", status=404)
    now = found.now()
    await found.writer.write(lambda connection: undo_leave(connection, subscriber_id, now))
    subscription = await run_in_thread(_read, found, subscriber_id)
    if subscription is None or subscription.state in LEFT_STATES:
        return _left(found, token, subscription)
    return found.page("returned", {"address": half_hidden(subscription.address)})


def _left(found: Context, token: str, subscription: Subscription | None) -> Response:
    """Return the page for a person who is off the list; None is one who was forgotten."""
    values: dict[str, object] = {"token": token}
    if subscription:
        values["address"] = half_hidden(subscription.address)
        if subscription.can_undo:
            values["undo_until"] = (subscription.changed_at + UNDO_PERIOD).date()
    return found.page("unsubscribed", values)


def _read(found: Context, subscriber_id: int) -> Subscription | None:
    with found.database.reading() as connection:
        return find_subscription(connection, subscriber_id, found.now())
