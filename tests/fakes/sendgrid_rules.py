"""The rules by which SendGrid refuses a `POST /v3/mail/send`.

Limits, field names and error messages are those of the v3 reference (twilio.com/docs/sendgrid/api-reference/
mail-send) and of its OpenAPI description (github.com/twilio/sendgrid-oai, tsg_mail_v3). Where the two are
ambiguous the stricter rule holds. There are no templates, so content is always required.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

MAX_BODY = 30_000_000
MAX_PERSONALIZATIONS = MAX_RECIPIENTS = 1000
MAX_SUBSTITUTIONS = MAX_CUSTOM_ARGS = 10_000
MAX_CATEGORIES, MAX_CATEGORY = 10, 255
# Seconds.
MAX_AHEAD, MAX_LATE = 72 * 3600, 60

Error = dict[str, str | None]

# A schema is a type, a list with the schema of its items, or an object; the key `...` is any name.
STRINGS = {...: str}
SWITCH = {"enable": bool}
ADDRESS = {"email": str, "name": str}
PERSONALIZATION = {
    "from": ADDRESS,
    "to": [ADDRESS],
    "cc": [ADDRESS],
    "bcc": [ADDRESS],
    "subject": str,
    "headers": STRINGS,
    "substitutions": STRINGS,
    "dynamic_template_data": dict,
    "custom_args": STRINGS,
    "send_at": int,
}
MESSAGE = {
    "personalizations": [PERSONALIZATION],
    "from": ADDRESS,
    "reply_to": ADDRESS,
    "reply_to_list": [ADDRESS],
    "subject": str,
    "content": [{"type": str, "value": str}],
    "attachments": [dict.fromkeys(("content", "type", "filename", "disposition", "content_id"), str)],
    "template_id": str,
    "headers": STRINGS,
    "categories": [str],
    "custom_args": STRINGS,
    "send_at": int,
    "batch_id": str,
    "asm": {"group_id": int, "groups_to_display": [int]},
    "ip_pool_name": str,
    "mail_settings": {
        "bypass_list_management": SWITCH,
        "bypass_spam_management": SWITCH,
        "bypass_bounce_management": SWITCH,
        "bypass_unsubscribe_management": SWITCH,
        "footer": {**SWITCH, "text": str, "html": str},
        "sandbox_mode": SWITCH,
    },
    "tracking_settings": {
        "click_tracking": {**SWITCH, "enable_text": bool},
        "open_tracking": {**SWITCH, "substitution_tag": str},
        "subscription_tracking": {**SWITCH, "text": str, "html": str, "substitution_tag": str},
        "ganalytics": {
            **SWITCH,
            **dict.fromkeys(("utm_source", "utm_medium", "utm_term", "utm_content", "utm_campaign"), str),
        },
    },
}
# fmt: off
FORBIDDEN_HEADERS = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
    "to", "from", "subject", "reply-to", "cc", "bcc",
}
# fmt: on
CONTENT_ORDER = {"text/plain": 0, "text/html": 1}

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(
    rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?=[A-Za-z]){_LABEL}"
)


def error(message: str, field: str | None = None) -> Error:
    """Return an entry of SendGrid's `errors`; `help` links to the field's part of the reference."""
    anchor = ".".join(part for part in (field or "").split(".") if not part.isdigit())
    page = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
    return {"message": message, "field": field, "help": page + anchor if field else None}


def check(body: dict[str, Any], now: float, known_batch: Callable[[str], bool]) -> list[Error]:
    """Return all errors of a message; the other rules are checked only if its shape is correct."""
    if errors := list(_shape(body, MESSAGE, "")):
        return errors
    return [
        *_recipients(body),
        *_addresses(body),
        *_subject(body),
        *_content(body),
        *_headers(body),
        *_sizes(body),
        *_categories(body),
        *_schedule(body, now, known_batch),
    ]


def recipients(personalization: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield `("to.0", {"email": …})` for each recipient of a personalization."""
    for kind in ("to", "cc", "bcc"):
        for number, address in enumerate(personalization.get(kind, ())):
            yield f"{kind}.{number}", address


def _shape(value: object, schema: Any, where: str) -> Iterator[Error]:
    kind = schema if isinstance(schema, type) else type(schema)
    if type(value) is not kind:
        yield error(f"Invalid type. Expected: {kind.__name__}, given: {type(value).__name__}.", where)
    elif isinstance(value, list) and isinstance(schema, list):
        for number, item in enumerate(value):
            yield from _shape(item, schema[0], f"{where}.{number}")
    elif isinstance(value, dict) and isinstance(schema, dict):
        for key, item in value.items():
            field = f"{where}.{key}".removeprefix(".")
            if key in schema or ... in schema:
                yield from _shape(item, schema.get(key, schema.get(...)), field)
            else:
                yield error(f"Additional property {key} is not allowed.", field)


def _levels(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the message and each personalization, with the prefix of their fields' names."""
    yield "", body
    for number, personalization in enumerate(body.get("personalizations", ())):
        yield f"personalizations.{number}.", personalization


def _recipients(body: dict[str, Any]) -> Iterator[Error]:
    personalizations = body.get("personalizations", [])
    if not personalizations:
        yield error("You must have at least one personalization.", "personalizations")
    if (count := len(personalizations)) > MAX_PERSONALIZATIONS:
        text = f"There is a limit of {MAX_PERSONALIZATIONS} personalizations per request; this has {count}."
        yield error(text, "personalizations")
    elif sum(1 for personalization in personalizations for _ in recipients(personalization)) > MAX_RECIPIENTS:
        text = f"There is a limit of {MAX_RECIPIENTS} total recipients (to + cc + bcc) per request."
        yield error(text, "personalizations")
    seen = set()
    for number, personalization in enumerate(personalizations):
        field = f"personalizations.{number}"
        if not personalization.get("to"):
            text = (
                "The to array is required for all personalization objects, and must have at least one email."
            )
            yield error(text, f"{field}.to")
        for part, address in recipients(personalization):
            folded = address.get("email", "").lower()
            if folded in seen:
                text = "Each unique email address in the personalizations array should only be included once."
                yield error(text, f"{field}.{part}.email")
            seen.add(folded)


def _addresses(body: dict[str, Any]) -> Iterator[Error]:
    if "from" not in body:
        yield error("The from object must be provided for every email send.", "from.email")
    if "reply_to" in body and "reply_to_list" in body:
        yield error("Use either reply_to or reply_to_list, not both.", "reply_to_list")
    addresses = [
        (f"reply_to_list.{number}", address) for number, address in enumerate(body.get("reply_to_list", ()))
    ]
    for where, level in _levels(body):
        addresses += ((where + kind, level[kind]) for kind in ("from", "reply_to") if kind in level)
        addresses += ((where + part, address) for part, address in recipients(level))
    for field, address in addresses:
        if not _EMAIL.fullmatch(address.get("email", "")):
            yield error("Does not contain a valid address.", f"{field}.email")


def _subject(body: dict[str, Any]) -> Iterator[Error]:
    for where, level in _levels(body):
        if not level.get("subject", "-").strip():
            yield error("The subject must be at least one character in length.", f"{where}subject")
    if "subject" not in body and not all("subject" in level for level in body.get("personalizations", ())):
        yield error("The subject is required, here or in every personalization.", "subject")


def _content(body: dict[str, Any]) -> Iterator[Error]:
    parts = body.get("content")
    if not parts:
        yield error("The content field is required and must have at least one part.", "content")
        return
    order = [CONTENT_ORDER.get(part.get("type", ""), len(CONTENT_ORDER)) for part in parts]
    if order != sorted(order) or any(order.count(rank) > 1 for rank in CONTENT_ORDER.values()):
        yield error("text/plain comes first, then text/html, each once; other types follow.", "content")
    for number, part in enumerate(parts):
        for key in ("type", "value"):
            if not part.get(key):
                text = f"The content {key} must be a string at least one character in length."
                yield error(text, f"content.{number}.{key}")


def _headers(body: dict[str, Any]) -> Iterator[Error]:
    for where, level in _levels(body):
        for name, value in level.get("headers", {}).items():
            field = f"{where}headers.{name}"
            if name.lower() in FORBIDDEN_HEADERS:
                yield error(f"The header {name} is reserved.", field)
            elif not re.fullmatch(r"[!-9;-~]+", name) or not re.fullmatch(r"[\t -~]*", value):
                yield error("Headers are printable ASCII in one line.", field)


def _sizes(body: dict[str, Any]) -> Iterator[Error]:
    shared = body.get("custom_args", {})
    if _size(shared) >= MAX_CUSTOM_ARGS:
        yield error(f"custom_args must be under {MAX_CUSTOM_ARGS} bytes.", "custom_args")
    for number, personalization in enumerate(body.get("personalizations", ())):
        field = f"personalizations.{number}"
        if (
            "custom_args" in personalization
            and _size({**shared, **personalization["custom_args"]}) >= MAX_CUSTOM_ARGS
        ):
            yield error(f"custom_args must be under {MAX_CUSTOM_ARGS} bytes.", f"{field}.custom_args")
        substitutions = personalization.get("substitutions", {})
        if "" in substitutions or _size(substitutions) >= MAX_SUBSTITUTIONS:
            text = f"Substitutions have a name and are under {MAX_SUBSTITUTIONS} bytes a personalization."
            yield error(text, f"{field}.substitutions")


def _size(pairs: dict[str, str]) -> int:
    """Return the bytes of an object as compact JSON in UTF-8; SendGrid does not document what it counts."""
    return len(json.dumps(pairs, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))


def _categories(body: dict[str, Any]) -> Iterator[Error]:
    categories = body.get("categories", [])
    if len(categories) > MAX_CATEGORIES or len(set(categories)) < len(categories):
        yield error(f"At most {MAX_CATEGORIES} categories, each once.", "categories")
    for number, category in enumerate(categories):
        if len(category) > MAX_CATEGORY:
            yield error(f"A category is at most {MAX_CATEGORY} characters.", f"categories.{number}")


def _schedule(body: dict[str, Any], now: float, known_batch: Callable[[str], bool]) -> Iterator[Error]:
    for where, level in _levels(body):
        if not now - MAX_LATE <= level.get("send_at", now) <= now + MAX_AHEAD:
            yield error("Scheduling is for the next 72 hours.", f"{where}send_at")
    if "batch_id" in body and not known_batch(body["batch_id"]):
        yield error("invalid batch id", "batch_id")
