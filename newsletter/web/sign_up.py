"""The sign-up: the form, and the confirmation by a link in a mail (double opt-in)."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from newsletter.background import run_in_thread
from newsletter.constants import HONEYPOT_FIELD
from newsletter.store import sign_ups
from newsletter.subscribers.address import Address, half_hidden
from newsletter.subscribers.origins import SIGN_UP_FORM
from newsletter.web.bodies import read_address
from newsletter.web.context import Context, context
from newsletter.web.equal_time import equal_time
from newsletter.web.rate_limits import count_mail, count_request


async def show_form(request: Request) -> Response:
    """Show the form."""
    response = context(request).page("sign_up", {"trap": HONEYPOT_FIELD})
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["X-Robots-Tag"] = "all"
    return response


async def subscribe(request: Request) -> Response:
    """Write a sign-up and its mail; the page is the same for all addresses, known ones too."""
    shared = context(request)
    count_request(request)
    form = await read_address(request)
    if form.address is None:
        values = {"trap": HONEYPOT_FIELD, "address": form.typed, "problem": form.problem}
        return shared.page("sign_up", values, HTTPStatus.UNPROCESSABLE_ENTITY)
    async with equal_time(shared.answer_seconds):
        if not form.fields.get(HONEYPOT_FIELD):
            count_mail(request)
            await _ask(shared, form.address, shared.wording(form.fields.get("form", "")))
    return shared.page("check_mail", {"address": half_hidden(form.address.given)})


async def _ask(shared: Context, address: Address, wording: str) -> None:
    now = shared.now()
    await shared.writer.write(
        lambda connection: sign_ups.ask(connection, address, wording, SIGN_UP_FORM, now)
    )
    shared.wake_mailer()


async def show_confirmation(request: Request) -> Response:
    """Show the button that confirms a sign-up, or its result; a link scanner confirms nothing."""
    shared = context(request)
    if (sign_up_id := shared.links.sign_up_id(request.path_params["token"])) is None:
        return shared.page("not_found", status=HTTPStatus.NOT_FOUND)
    sign_up = await run_in_thread(_read, shared, sign_up_id)
    if sign_up is None:
        return _gone(shared)
    if sign_up.can_confirm:
        values = {"address": half_hidden(sign_up.address), "expires": sign_up.expires_at.date()}
        return shared.page("confirm", values)
    return _result(shared, sign_up.address, is_active=sign_up.state == "active")


async def confirm(request: Request) -> Response:
    """Make the person of a sign-up a subscriber; the second time changes nothing."""
    shared, now = context(request), context(request).now()
    if (sign_up_id := shared.links.sign_up_id(request.path_params["token"])) is None:
        return shared.page("not_found", status=HTTPStatus.NOT_FOUND)
    confirmed = await shared.writer.write(lambda connection: sign_ups.confirm(connection, sign_up_id, now))
    if confirmed is None:
        return _gone(shared)
    return _result(shared, confirmed.address, is_active=confirmed.state == "active")


def _result(shared: Context, address: str, *, is_active: bool) -> Response:
    """Return the page after the confirmation; the link of a person who has left since does nothing."""
    if not is_active:
        return _gone(shared)
    values = {"address": half_hidden(address), "sender": shared.newsletter.config.sender.email}
    return shared.page("confirmed", values)


def _gone(shared: Context) -> Response:
    return shared.page("confirm_gone", {"trap": HONEYPOT_FIELD}, HTTPStatus.GONE)


def _read(shared: Context, sign_up_id: int) -> sign_ups.SignUp | None:
    with shared.database.reading() as connection:
        return sign_ups.find_sign_up(connection, sign_up_id, shared.now())
