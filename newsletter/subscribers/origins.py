"""The origins of a consent (`consent_how`) and of a state (`changed_how`), as the database has them."""

from typing import Final, Literal

ADDED_BY_HAND: Final = "added by hand"
ASKED_AGAIN: Final = "asked to come back"
IMPORTED: Final = "imported"
SIGN_UP_FORM: Final = "sign-up form"
SIGN_UP_MAIL: Final = "sign-up by mail"
REMOVED_BY_HAND: Final = "removed by hand"
UNSUBSCRIBE_PAGE: Final = "unsubscribe page"
ONE_CLICK: Final = "one-click"
OWN_DATA_PAGE: Final = "own data page"
UNSUBSCRIBE_MAIL: Final = "unsubscribe mail"
UNSUBSCRIBE_WORKER: Final = "unsubscribe worker"
PROVIDER_UNSUBSCRIBE: Final = "unsubscribed at the provider"
SPAM_REPORT: Final = "spam report"
HARD_BOUNCE: Final = "hard bounce"
SOFT_BOUNCES: Final = "soft bounces"
DELIVERY: Final = "delivery"

ConsentOrigin = Literal[
    "added by hand",  # `news subscribers add`
    "asked to come back",  # `news subscribers add --again`
    "imported",  # a file of `news subscribers import`
    "sign-up form",  # the form of the public page, and a confirmation by mail
    "sign-up by mail",  # a mail to `sign_up.mailto`, and the answer to the mail that asks to confirm it
]

StateOrigin = Literal[
    "removed by hand",  # `news subscribers remove`
    "imported",  # a file of `news subscribers import`
    "unsubscribe page",  # the button on the page of the link in each mail
    "one-click",  # the button of a mail program (RFC 8058)
    "own data page",  # the page of a link that was mailed to the person
    "unsubscribe mail",  # a mail to `unsubscribe.mailto` with the token of a link
    "unsubscribe worker",  # the page of the worker, or one click, which it does not tell apart
    "unsubscribed at the provider",  # the provider's own page, or its list of unsubscriptions
    "spam report",  # a mailbox provider reported it
    "hard bounce",  # the address does not exist, or accepts no mail for good
    "soft bounces",  # several issues in a row could not be delivered
    "delivery",  # an issue was delivered after the soft bounces; only the history has it
]

BY_LINK: Final[tuple[StateOrigin, ...]] = (UNSUBSCRIBE_PAGE, ONE_CLICK, UNSUBSCRIBE_MAIL, UNSUBSCRIBE_WORKER)
"""The origins of departures by what each mail offers, which a mail program may have used by itself."""
UNDOABLE: Final[tuple[StateOrigin, ...]] = (UNSUBSCRIBE_PAGE, ONE_CLICK)
"""The origins of departures that can be taken back: their page has the button for it."""
