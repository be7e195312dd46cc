"""The sign-up: the form, and the confirmation by a link in a mail (double opt-in)."""

from starlette.requests import Request
from starlette.responses import Response

from newsletter.background import run_in_thread
from newsletter.render.pages import masked_address
from newsletter.store import sign_ups
from newsletter.subscribers.address import Address, BadAddress, parse
from newsletter.web.bodies import read_form
from newsletter.web.context import Context, context
from newsletter.web.limits import refusal

TRAP = "company"
"""A field that people do not see; programs that fill in every field of a form fill it in too."""
_MAX_TYPED = 320


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
    typed = fields.get("address", "").strip()[:_MAX_TYPED]
    try:
        address = parse(typed)
    except BadAddress:
        return found.page("sign_up", {"trap": TRAP, "typed": typed, "is_invalid": True}, 422)
    if not fields.get(TRAP):
        await _ask(found, address)
    return found.page("check_mail", {"address": masked_address(address.given)})


async def _ask(found: Context, address: Address) -> None:
    now = found.now()
    await found.writer.write(
        lambda connection: sign_ups.ask(connection, address, found.wording, "sign-up form", now)
    )
    found.wake_mailer()


async def show_confirmation(request: Request) -> Response:
    """Show the button that confirms a sign-up, or its result; a link scanner confirms nothing."""
    found = context(request)
    if (number := _number(found, request)) is None:
        return found.page("not_found", status=404)
    waiting = await run_in_thread(_read, found, number)
    if waiting is None:
        return found.page("confirm_gone", status=410)
    name = "confirmed" if waiting.is_confirmed else "confirm"
    return found.page(name, {"address": masked_address(waiting.address), "expires_at": waiting.expires_at})


async def confirm(request: Request) -> Response:
    """Make the person of a sign-up a subscriber; the second time changes nothing."""
    found, now = context(request), context(request).now()
    if (number := _number(found, request)) is None:
        return found.page("not_found", status=404)
    confirmed = await found.writer.write(lambda connection: sign_ups.confirm(connection, number, now))
    if confirmed is None:
        return found.page("confirm_gone", status=410)
    return found.page("confirmed", {"address": masked_address(confirmed.address)})


def _number(found: Context, request: Request) -> int | None:
    return found.links.sign_up_id(request.path_params["token"])


def _read(found: Context, number: int) -> sign_ups.SignUp | None:
    with found.database.reading() as connection:
        return sign_ups.find_sign_up(connection, number, found.now())
