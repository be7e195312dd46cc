"""A site and values with which every web page is shown in each of its states."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from newsletter.config.model import Labels
from newsletter.render.model import Site

# The variables of every page.
SHARED = {"site", "labels", "t", "base", "page", "language", "direction"}
MASKED = "s•••@example.com"
FORM = {"address": "", "problem": "", "trap": "company_fax"}
MARCH = dt.datetime(2026, 3, 2, 9, 14, tzinfo=dt.UTC)
HISTORY = [
    {"change": "asked", "how": "sign-up form", "at": MARCH},
    {"change": "confirmed", "how": "sign-up form", "at": MARCH},
    {"change": "left", "how": "one-click", "at": MARCH},
    {"change": "returned", "how": "unsubscribe page", "at": MARCH},
    {"change": "left", "how": "import of old {list}.csv", "at": MARCH},
]
DATA = {
    "address": "sam@example.com",
    "name": "",
    "asked": MARCH,
    "confirmed": MARCH,
    "state": "active",
    "can_leave": True,
    "issues": 38,
    "last_issue": dt.date(2026, 11, 23),
    "history": HISTORY,
    "closes": dt.datetime(2026, 11, 28, 18, 45, tzinfo=dt.UTC),
    "token": "d.1.99.f00d",
    "is_unsure": False,
}
OF_IMPORT = {"asked": None, "confirmed": None, "name": "Sam", "history": []}
OF_IMPORT |= {"state": "unsubscribed", "can_leave": False}
ERROR = {"is_request": False, "reference": "7F3K-21"}

# The name of each state, with its page and its values.
STATES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sign_up": ("sign_up", FORM),
    "sign_up invalid": ("sign_up", {**FORM, "address": "sam@example", "problem": "invalid"}),
    "sign_up empty": ("sign_up", {**FORM, "problem": "empty"}),
    "check_mail": ("check_mail", {"address": MASKED}),
    "confirm": ("confirm", {"address": MASKED, "expires": dt.date(2026, 12, 5)}),
    "confirmed": ("confirmed", {"address": MASKED, "sender": "soup@example.com"}),
    "confirm_gone": ("confirm_gone", FORM),
    "unsubscribe": ("unsubscribe", {"address": MASKED}),
    "unsubscribe unknown": ("unsubscribe", {"address": ""}),
    "unsubscribed": (
        "unsubscribed",
        {"address": MASKED, "token": "1.f00d", "undo_until": dt.date(2026, 12, 28)},
    ),
    "unsubscribed unknown": ("unsubscribed", {"address": "", "token": "1.f00d", "undo_until": None}),
    "returned": ("returned", {"address": MASKED}),
    "lost": ("lost", FORM),
    "lost_sent": ("lost_sent", {"address": MASKED}),
    "your_data": ("your_data", DATA),
    "your_data unsure": ("your_data", {**DATA, **OF_IMPORT, "last_issue": None, "is_unsure": True}),
    "erased": ("erased", {"is_incomplete": False}),
    "erased incomplete": ("erased", {"is_incomplete": True}),
    "data_gone": ("data_gone", FORM),
    "test_link": ("test_link", {"is_pressed": False}),
    "test_link pressed": ("test_link", {"is_pressed": True}),
    "error": ("error", ERROR),
    "error of a request": ("error", {"is_request": True, "reference": ""}),
    "not_found": ("not_found", {}),
    "busy": ("busy", {}),
    "too_many": ("too_many", {}),
}


def site(**changes: Any) -> Site:
    """Return a newsletter, in the language of `changes`."""
    labels = Labels().in_language(changes.get("language", "en")).model_dump()
    fields = {
        "name": "The Soup Letter",
        "postal_address": "1 Kitchen Road, Example City",
        "description": "A pot of soup a week.",
        "url": "https://soup.example.com",
        "labels": {**labels, "months": None},
    }
    return Site(**{**fields, **changes})
