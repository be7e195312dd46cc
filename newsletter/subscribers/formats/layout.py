"""The positions of the fields in the header of a table: of a recognised format, or of any list."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from newsletter.display import printable
from newsletter.errors import SubscriberError
from newsletter.subscribers.formats.header_names import address_position, joined_position, name_positions
from newsletter.subscribers.formats.mapped_states import judge_of
from newsletter.subscribers.formats.model import Format, Judge
from newsletter.subscribers.formats.options import ImportOptions
from newsletter.subscribers.state_vocabulary import Verdict
from newsletter.subscribers.words import column_key

_SHOWN_COLUMNS = 300  # characters of the names of columns in a message


@dataclass(frozen=True, slots=True)
class Layout:
    """The positions of the fields in each row, and the meaning of its states; see `Format`."""

    address: int
    names: tuple[int, ...] = ()
    joined: tuple[int, ...] = ()
    left: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    states: tuple[tuple[int, Judge], ...] = ()
    state: Verdict = "active"
    deleted_domain: str = ""
    described: frozenset[int] = frozenset()  # positions that the format knows
    guessed: frozenset[int] = frozenset()  # positions of `joined` that only the name of the column tells
    judged: frozenset[int] = frozenset()  # positions that `--map` names for a field without a state

    @property
    def imported(self) -> frozenset[int]:
        """Return the positions of the columns that rows are made of."""
        states = (position for position, _ in self.states)
        return frozenset((self.address, *self.names, *self.joined, *self.left, *self.changed, *states))

    @property
    def tells_state(self) -> bool:
        """Return True if the rows tell, or their file tells, who has left."""
        return self.state != "active" or bool(self.states or self.left)


def layout_of(format_: Format, header: Sequence[str], where: str) -> Layout:
    """Return the layout of a header that has the columns of a format."""
    keys = [column_key(name) for name in header]
    states = tuple(
        (position, column.judge)
        for column in format_.states
        for position, key in enumerate(keys)
        if key == column.name
    )
    address = next((keys.index(name) for name in format_.address if name in keys), None)
    if address is None:
        address = 0 if format_.has_address_first else address_position(header)
    known = {*format_.required, *format_.known}
    prefix = format_.known_prefix
    return Layout(
        address=_required(address, header, where),
        names=_first(keys, format_.names) or tuple(n for n in name_positions(header) if n != address),
        joined=_first(keys, format_.joined),
        left=_every(keys, format_.left),
        changed=_first(keys, format_.changed),
        states=states,
        state=format_.state,
        deleted_domain=format_.deleted_domain,
        described=frozenset(
            n for n, key in enumerate(keys) if key in known or (prefix and key.startswith(prefix))
        ),
    )


def layout_of_list(
    header: Sequence[str], rows: Sequence[Sequence[str]], options: ImportOptions, where: str
) -> Layout:
    """Return the layout of a list of unknown origin; raise SubscriberError if it has no addresses.

    The first rows decide if several columns have names of addresses.
    """
    address = address_position(header, rows)
    if address is None and "address" in options.mapped:
        address = 0  # is replaced
    names = tuple(n for n in name_positions(header) if n != address)
    joined = () if (position := joined_position(header)) is None else (position,)
    return Layout(_required(address, header, where), names, joined, guessed=frozenset(joined))


def with_mapped(layout: Layout, header: Sequence[str], options: ImportOptions, where: str) -> Layout:
    """Return a layout with the columns that `--map` names; raise SubscriberError for an unknown one.

    A mapped column of states or departures is read beside those of the format, and any other is judged like
    one that is not imported: no option hides a state.
    """
    keys = [column_key(name) for name in header]
    found = {field: positions_of(name, keys, header, where) for field, name in options.mapped.items()}
    if "address" in found:
        layout = replace(layout, address=found["address"][0])
    if names := tuple(found[field][0] for field in ("name", "first_name", "last_name") if field in found):
        layout = replace(layout, names=names)
    joined = tuple(found["joined"][:1]) if "joined" in found else ()
    if joined:
        layout = replace(layout, joined=joined, guessed=frozenset())
    layout = replace(layout, judged=frozenset((*names, *joined)))
    left = (position for position in found.get("left", ()) if position not in layout.left)
    judged = {position for position, _ in layout.states}
    states = (
        (position, judge_of(header[position]))
        for position in found.get("state", ())
        if position not in judged
    )
    return replace(layout, left=(*layout.left, *left), states=(*layout.states, *states))


def positions_of(name: str, keys: Sequence[str], header: Sequence[str], where: str) -> list[int]:
    """Return the positions of a column that an option names; raise SubscriberError if there is none."""
    found = [position for position, key in enumerate(keys) if key == column_key(name)]
    if not found:
        what = f"the header has no column `{printable(name.strip())}`"
        raise SubscriberError(what, f"its columns: {shown_columns(header)}", where=where)
    return found


def shown_columns(header: Sequence[str]) -> str:
    """Return the names of the columns for a message."""
    return printable(", ".join(name.strip() for name in header), _SHOWN_COLUMNS)


def _required(address: int | None, header: Sequence[str], where: str) -> int:
    if address is not None:
        return address
    if "@" in "".join(header):
        raise SubscriberError("the file has no header", "write a first line `address,name`", where=where)
    hint = f"name the column with the addresses: --map address=NAME; the columns are {shown_columns(header)}"
    raise SubscriberError("the header has no column `address`", hint, where=where)


def _first(keys: Sequence[str], names: Sequence[str]) -> tuple[int, ...]:
    return tuple(keys.index(name) for name in names if name in keys)


def _every(keys: Sequence[str], names: Sequence[str]) -> tuple[int, ...]:
    return tuple(position for name in names for position, key in enumerate(keys) if key == name)
