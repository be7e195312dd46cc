"""Read the bodies of requests, with limits of size and time."""

import asyncio
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from newsletter.subscribers.address import Address, BadAddress, parse

FORM_BYTES = 4096
_MAX_TYPED = 320
"""The longest text that is taken as an address; a valid one has 254 characters."""
_SECONDS = 10.0
_MAX_FIELDS = 10


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body; raise HTTPException (413, 408, 400) if it is too large, too slow or incomplete."""
    try:
        body = await read_start(request, max_bytes + 1)
    except ClientDisconnect as failure:
        raise HTTPException(400) from failure
    if len(body) > max_bytes:
        raise HTTPException(413)
    return body


async def read_start(request: Request, max_bytes: int) -> bytes:
    """Return at most the first `max_bytes` of the body, and read no more than needed for it.

    Raise HTTPException (408) if it is too slow, and ClientDisconnect if the client has gone.
    """
    pieces, size = [], 0
    try:
        async with asyncio.timeout(_SECONDS):
            async for piece in request.stream():
                pieces.append(piece)
                size += len(piece)
                if size >= max_bytes:
                    break
    except TimeoutError as failure:
        raise HTTPException(408) from failure
    return b"".join(pieces)[:max_bytes]


class AddressForm(NamedTuple):
    """A form with an address: what was typed, the address or None, and the other fields."""

    typed: str
    address: Address | None
    fields: dict[str, str]

    @property
    def problem(self) -> str:
        """Return the problem of the address as the pages know it; "" if there is none."""
        return "" if self.address else "invalid" if self.typed else "empty"


async def read_address(request: Request) -> AddressForm:
    """Return the form of a request that has an address; raise HTTPException if it is no form."""
    fields = await read_form(request)
    typed = fields.get("address", "").strip()[:_MAX_TYPED]
    try:
        return AddressForm(typed, parse(typed), fields)
    except BadAddress:
        return AddressForm(typed, None, fields)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of an urlencoded form, the last value of each; raise HTTPException if it is none."""
    body = await read_body(request, FORM_BYTES)
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as failure:  # too many fields
        raise HTTPException(400) from failure
    return {name: values[-1] for name, values in fields.items()}
