"""Tests of sealing: what opens, what is refused and why, and what the size and the bytes reveal."""

import random
import tracemalloc
import zlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import StateError
from newsletter.state.sealing import (
    LEASE,
    MIN_LEASE_BYTES,
    MIN_STATE_BYTES,
    STATE,
    padded_size,
    seal,
    unseal,
)
from newsletter.state.state_key import StateKey

KEY, OTHER = StateKey(bytes(range(32))), StateKey(bytes(32))
FIRST_LINE = b"news-state 1\n"
OVERHEAD = len(FIRST_LINE) + 4 + 16 + 12 + 16
CONTENT = b"SQLite format 3\0" + b"ada@example.com" * 20


def reason(sealed: bytes, *keys: StateKey, purpose: bytes = STATE, max_bytes: int = 10**6) -> str:
    """Return the reason why something is not opened."""
    with pytest.raises(StateError) as raised:
        unseal(sealed, keys or (KEY,), purpose, where="a file", max_bytes=max_bytes)
    (problem,) = raised.value.problems
    assert problem.where == "a file" and problem.fix
    return problem.what


def sealed_as_is(plain: bytes) -> bytes:
    """Return bytes sealed with the right key, whatever they are."""
    salt, nonce = b"s" * 16, b"n" * 12
    header = FIRST_LINE + KEY.id + salt + nonce
    derived = HKDF(SHA256(), 32, salt, FIRST_LINE + STATE).derive(KEY.secret)
    return header + AESGCM(derived).encrypt(nonce, plain, header + STATE)


DAMAGED = "is damaged: it is not as it was sealed"


@pytest.mark.parametrize("content", [b"", CONTENT, bytes(10**6)], ids=["empty", "small", "large"])
def test_what_is_sealed_opens_again(content: bytes) -> None:
    assert unseal(seal(content, KEY, STATE), (KEY,), STATE) == content
    assert unseal(seal(content, KEY, LEASE, min_bytes=MIN_LEASE_BYTES), (OTHER, KEY), LEASE) == content


def test_two_seals_of_one_content_share_only_the_format_and_the_key() -> None:
    first, second = seal(CONTENT, KEY, STATE), seal(CONTENT, KEY, STATE)
    assert first[:17] == second[:17] == FIRST_LINE + KEY.id
    assert first[17:33] != second[17:33] and first[33:45] != second[33:45] and first[45:] != second[45:]
    assert b"example" not in first and b"SQLite" not in first


def test_small_contents_have_one_size() -> None:
    assert {len(seal(bytes(size), KEY, STATE)) for size in (0, 1, 10**5)} == {MIN_STATE_BYTES + OVERHEAD}
    least = {len(seal(bytes(size), KEY, LEASE, min_bytes=MIN_LEASE_BYTES)) for size in (0, 100)}
    assert least == {MIN_LEASE_BYTES + OVERHEAD}


def test_the_size_of_a_large_content_is_rounded() -> None:
    noise = random.Random(7).randbytes(200_000)
    sizes = [len(seal(noise[:size], KEY, STATE)) for size in (176_500, 179_500, 200_000)]
    assert sizes[0] == sizes[1] < sizes[2]


@given(st.integers(1, 2**40))
def test_padding_adds_at_most_12_percent(size: int) -> None:
    assert size <= padded_size(size) <= size * 1.12
    assert padded_size(padded_size(size)) == padded_size(size)


@pytest.mark.parametrize(
    ("sealed", "what"),
    [
        pytest.param(b"", "is not a sealed state", id="empty"),
        pytest.param(b"SQLite format 3\0", "is not a sealed state", id="database"),
        pytest.param(b"news-state one\n", "is not a sealed state", id="no-version"),
        pytest.param(b"news-state 2", "is not a sealed state", id="no-line"),
        pytest.param(
            b"news-state 2\n" + bytes(10**5),
            "was sealed by a newer version of news, in a format that this version cannot read",
            id="newer",
        ),
        pytest.param(seal(CONTENT, KEY, STATE)[:60], DAMAGED, id="cut"),
        pytest.param(seal(CONTENT, KEY, STATE)[:-1], DAMAGED, id="cut-at-the-end"),
        pytest.param(seal(CONTENT, KEY, STATE) + b"\0", DAMAGED, id="longer"),
        pytest.param(seal(CONTENT, KEY, LEASE), DAMAGED, id="other-purpose"),
        pytest.param(
            seal(CONTENT, OTHER, STATE),
            "was sealed with another key than NEWS_STATE_KEY holds",
            id="other-key",
        ),
    ],
)
def test_everything_else_is_refused_with_its_reason(sealed: bytes, what: str) -> None:
    assert reason(sealed) == what


def test_each_changed_byte_is_found() -> None:
    sealed = seal(CONTENT, KEY, LEASE, min_bytes=MIN_LEASE_BYTES)
    for position in (*range(100), *range(len(sealed) - 20, len(sealed))):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(StateError):
            unseal(bytes(changed), (KEY,), LEASE)


def test_a_key_of_the_same_id_does_not_open_it() -> None:
    sealed = bytearray(seal(CONTENT, OTHER, STATE))
    sealed[13:17] = KEY.id
    assert reason(bytes(sealed)) == DAMAGED


@pytest.mark.parametrize(
    "plain",
    [
        pytest.param(bytes(16), id="no-gzip"),
        pytest.param((99).to_bytes(8, "big") + bytes(16), id="length-beyond-the-end"),
        pytest.param(b"\xff" * 40, id="enormous-length"),
        pytest.param((4).to_bytes(8, "big") + b"\x1f\x8b\x08\0" + bytes(64), id="gzip-cut"),
        pytest.param((40).to_bytes(8, "big") + zlib.compress(b"", wbits=31).ljust(40, b"\0"), id="more-data"),
    ],
)
def test_a_malformed_content_under_the_right_key_is_damaged(plain: bytes) -> None:
    assert reason(sealed_as_is(plain)) == DAMAGED


def test_unpacking_is_bounded() -> None:
    sealed = seal(bytes(30 * 10**6), KEY, STATE)
    tracemalloc.start()
    assert reason(sealed) == "unpacks to more than 1,000,000 bytes"
    assert tracemalloc.get_traced_memory()[1] < 10 * 10**6
    tracemalloc.stop()
    assert len(unseal(sealed, (KEY,), STATE, max_bytes=30 * 10**6)) == 30 * 10**6
