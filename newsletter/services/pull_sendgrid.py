"""Read SendGrid's lists of bounces, spam reports and unsubscriptions."""

from collections.abc import Iterator

from newsletter.constants import DeliveryEventKind
from newsletter.providers.sendgrid.suppressions import LISTS, SendGridSuppressions, SuppressedAddress
from newsletter.services.pull_source import ListedDeparture, Page
from newsletter.subscribers.address import BadAddress, parse

# An entry may appear in a list some time after its own time; a repeated one changes nothing.
OVERLAP_SECONDS = 24 * 3600


class SendGridList:
    """A list of the account; the position is the newest Unix time that was read in it."""

    def __init__(self, suppressions: SendGridSuppressions, list_name: str) -> None:
        self.name = f"sendgrid {list_name}"
        self._suppressions, self._list = suppressions, list_name
        self._kind = LISTS[list_name]

    def pages(self, position: str) -> Iterator[Page]:
        # The lists are not in the order of time: the position moves on with the last page.
        newest = start = _seconds(position)
        for entries in self._suppressions.pages(self._list, max(0, start - OVERLAP_SECONDS)):
            newest = max([newest, *(int(entry.at.timestamp()) for entry in entries)])
            yield Page(str(start), len(entries), listed=_departures(entries, self._kind))
        yield Page(str(newest), 0)


class SendGridGroup:
    """A suppression group, which is read as a whole each time."""

    def __init__(self, suppressions: SendGridSuppressions, number: int) -> None:
        self.name = f"sendgrid group {number}"
        self._suppressions, self._number = suppressions, number

    def pages(self, position: str) -> Iterator[Page]:
        start = _seconds(position)
        entries = self._suppressions.group(self._number)
        recent = [entry for entry in entries if entry.at.timestamp() >= start - OVERLAP_SECONDS]
        newest = max([start, *(int(entry.at.timestamp()) for entry in entries)])
        yield Page(str(newest), len(recent), listed=_departures(recent, "unsubscribed"))


def sendgrid_sources(
    suppressions: SendGridSuppressions, group: int | None
) -> list[SendGridList | SendGridGroup]:
    """Return the lists of the account, and the group of the newsletter if it has one."""
    lists: list[SendGridList | SendGridGroup] = [SendGridList(suppressions, name) for name in LISTS]
    return [*lists, SendGridGroup(suppressions, group)] if group else lists


def _departures(entries: list[SuppressedAddress], kind: DeliveryEventKind) -> list[ListedDeparture]:
    found = ((_key(entry.address), entry.at) for entry in entries)
    return [ListedDeparture(key, at, kind) for key, at in found if key]


def _key(address: str) -> str:
    """Return the key of an address; "" for one that no subscriber can have."""
    try:
        return parse(address).key
    except BadAddress:
        return ""


def _seconds(position: str) -> int:
    return int(position) if position.isdecimal() else 0
