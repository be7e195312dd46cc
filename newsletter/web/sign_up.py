"""The sign-up: the form, and the confirmation by a link in a mail (double opt-in)."""

from starlette.requests import Request
from starlette.responses import Response

from newsletter.background import run_in_thread
from newsletter.store import sign_ups
from newsletter.subscribers.address import Address, BadAddress, half_hidden, parse
from newsletter.subscribers.origins import SIGN_UP_FORM
from newsletter.web.bodies import read_form
from newsletter.web.context import Context, context
from newsletter.web.equal_time import equal_time
from newsletter.web.limits import refusal

TRAP = "topic"
"""A field that people do not see; programs that fill in every field of a form fill it in too."""
MAX_TYPED = 320
"""The longest text that is taken as an address; a valid one has 254 characters."""


async def show_form(request: Request) -> Response:
    """Show the form."""
    response = context(request).page("sign_up", {"trap": TRAP})
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["X-Robots-Tag"] = "all"
    return response


async def subscribe(request: Request) -> Response:
    """Write a sign-up and its mail; the page is the same for all addresses, known ones too."""
    found = context(request)
    fields = await read_form(request)
    if refused := refusal(found, request):
        return refused
    typed = fields.get("address", "").strip()[:MAX_TYPED]
    try:
        address = parse(typed)
    except BadAddress:
        problem = "invalid" if typed else "empty"
        return found.page("sign_up", {"trap": TRAP, "address": typed, "problem": problem}, 422)
    async with equal_time(found.answer_seconds):
        if not fields.get(TRAP):
            await _ask(found, address)
    return found.page("check_mail", {"address": half_hidden(address.given)})


async def _ask(found: Context, address: Address) -> None:
    now = found.now()
    await found.writer.write(
        lambda connection: sign_ups.ask(connection, address, found.wording, SIGN_UP_FORM, now)
    )
    found.wake_mailer()


async def show_confirmation(request: Request) -> Response:
    """Show the button that confirms a sign-up, or its result; a link scanner confirms nothing."""
    found = context(request)
    if (sign_up_id := found.links.sign_up_id(request.path_params["token"])) is None:
        return found.page("not_found", status=404)
    sign_up = await run_in_thread(_read, found, sign_up_id)
    if sign_up is None:
        return _gone(found)
    if sign_up.can_confirm:
        values = {"address": half_hidden(sign_up.address), "expires": sign_up.expires_at.date()}
        return found.page("confirm", values)
    return _result(found, sign_up.address, is_active=sign_up.state == "active")


async def confirm(request: Request) -> Response:
    """Make the person of a sign-up a subscriber; the second time changes nothing."""
    found, now = context(request), context(request).now()
    if (sign_up_id := found.links.sign_up_id(request.path_params["token"])) is None:
        return found.page("not_found", status=404)
    confirmed = await found.writer.write(lambda connection: sign_ups.confirm(connection, sign_up_id, now))
    if confirmed is None:
        return _gone(found)
    return _result(found, confirmed.address, is_active=confirmed.state == "active")


def _result(found: Context, address: str, *, is_active: bool) -> Response:
    """Return the page after the confirmation; the link of a person who has left since does nothing."""
    if not is_active:
        return _gone(found)
    values = {"address": half_hidden(address), "sender": found.newsletter.config.sender.email}
    return found.page("confirmed", values)


def _gone(found: Context) -> Response:
    return found.page("confirm_gone", {"trap": TRAP}, 410)


def _read(found: Context, sign_up_id: int) -> sign_ups.SignUp | None:
    with found.database.reading() as connection:
        return sign_ups.find_sign_up(connection, sign_up_id, found.now())
