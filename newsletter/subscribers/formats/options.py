"""The options of an import that say how a file is to be read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from newsletter.constants import DepartedState
from newsletter.display import printable
from newsletter.errors import SubscriberError

MapField = Literal[
    "address",
    "name",  # the whole name
    "first_name",
    "last_name",
    "state",
    "joined",  # the time of the consent
    "left",  # the time of the departure
]
MAP_FIELDS: tuple[str, ...] = get_args(MapField)

_SAMPLE = datetime(2023, 4, 21)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import; `mapped` has the name of a column for a field, `ignored` names of columns.

    `date_format` is a format of `strptime`; with `as_state`, everyone in the file has this state.
    """

    encoding: str = "utf-8"
    ignored: tuple[str, ...] = ()
    mapped: Mapping[MapField, str] = field(default_factory=dict)
    as_state: DepartedState | None = None
    date_format: str | None = None

    def __post_init__(self) -> None:
        """Raise SubscriberError if the format of dates does not tell the day."""
        if self.date_format is not None and not _tells_day(self.date_format):
            what = f"the format of dates `{printable(self.date_format)}` does not tell year, month and day"
            raise SubscriberError(what, 'write it as --date-format "%d/%m/%Y", or "%m/%d/%y"')


def _tells_day(date_format: str) -> bool:
    try:
        return datetime.strptime(_SAMPLE.strftime(date_format), date_format).date() == _SAMPLE.date()
    except (ValueError, re.error):
        return False
