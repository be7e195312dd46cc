"""Leave the list by the link of a mail: GET shows a button, POST leaves (RFC 8058); and its undo."""

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
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

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

_ONE_CLICK = b"One-Click"


async def show_button(request: Request) -> Response:
    """Show the button that unsubscribes, or that the person has left; a link scanner changes nothing."""
    shared, token = context(request), request.path_params["token"]
    if is_test(token):
        return shared.page("test_link")
    if (subscriber_id := shared.tokens.subscriber_id(token)) is None:
        return shared.page("not_found", status=HTTPStatus.NOT_FOUND)
    subscription = await run_in_thread(_read, shared, subscriber_id)
    if subscription is None or subscription.state in LEFT_STATES:
        return _left(shared, token, subscription)
    return shared.page("unsubscribe", {"address": half_hidden(subscription.address)})


async def unsubscribe(request: Request) -> Response:
    """Unsubscribe; the answer is 200 for each token that is signed, also for a person who was forgotten.

    Nothing but the token counts: no cookie, no header, and no body, of which mail programs send several.
    """
    shared, token = context(request), request.path_params["token"]
    try:
        body = await read_start(request, FORM_BYTES)
    except (ClientDisconnect, HTTPException):  # the body is not needed, and may be late
        body = b""
    if is_test(token):
        return shared.page("test_link", {"is_pressed": True})
    if (subscriber_id := shared.tokens.subscriber_id(token)) is None:
        return shared.page("not_found", status=HTTPStatus.NOT_FOUND)
    how: StateOrigin = ONE_CLICK if _ONE_CLICK in body else UNSUBSCRIBE_PAGE
    now = shared.now()

    def change(connection: "Connection") -> tuple[bool, Subscription | None]:
        has_left = leave(connection, subscriber_id, how, now)
        return has_left, find_subscription(connection, subscriber_id, now)

    has_left, subscription = await shared.writer.write(change)
    log.info("unsubscribed", extra={"how": how, "changed": has_left})
    return _left(shared, token, subscription)


async def take_back(request: Request) -> Response:
    """Take back an unsubscription of the last days; otherwise show that the person has left."""
    shared, token = context(request), request.path_params["token"]
    if (subscriber_id := shared.tokens.subscriber_id(token)) is None:
        return shared.page("not_found", status=HTTPStatus.NOT_FOUND)
    now = shared.now()

    def change(connection: "Connection") -> Subscription | None:
        undo_leave(connection, subscriber_id, now)
        return find_subscription(connection, subscriber_id, now)

    subscription = await shared.writer.write(change)
    if subscription is None or subscription.state in LEFT_STATES:
        return _left(shared, token, subscription)
    return shared.page("returned", {"address": half_hidden(subscription.address)})


def _left(shared: Context, token: str, subscription: Subscription | None) -> Response:
    """Return the page for a person who is off the list; None is one who was forgotten."""
    values: dict[str, object] = {"token": token}
    if subscription:
        values["address"] = half_hidden(subscription.address)
        if subscription.can_undo:
            values["undo_until"] = (subscription.changed_at + UNDO_PERIOD).date()
    return shared.page("unsubscribed", values)


def _read(shared: Context, subscriber_id: int) -> Subscription | None:
    with shared.database.reading() as connection:
        return find_subscription(connection, subscriber_id, shared.now())
