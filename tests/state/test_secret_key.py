"""Tests of the secret key in the folder of the state."""

from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.errors import ConfigError, Unavailable
from newsletter.state.secret_key import all_secret_keys, find_secret_key, secret_key
from tests import samples


def test_a_key_is_made_once(tmp_path: Path) -> None:
    newsletter = loader.load(samples.write(tmp_path), {})
    assert find_secret_key(newsletter) is None
    made = secret_key(newsletter, leaves_machine=True)
    assert len(made) == 64
    assert made == secret_key(newsletter, leaves_machine=True) == find_secret_key(newsletter)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"short\n", "has no valid key", id="short"),
        pytest.param(b"\xff" * 32, "has no valid key", id="not-ascii"),
        pytest.param(b"x" * 10_001, "is larger than 10,000 bytes", id="large"),
    ],
)
def test_another_file_is_refused_and_kept(tmp_path: Path, content: bytes, what: str) -> None:
    newsletter = loader.load(samples.write(tmp_path), {})
    newsletter.state.mkdir()
    file = newsletter.state / "secret"
    file.write_bytes(content)
    with pytest.raises(Unavailable) as raised:
        secret_key(newsletter, leaves_machine=True)
    assert raised.value.what == what and raised.value.hint and raised.value.where.endswith("secret")
    assert file.read_bytes() == content


def test_a_folder_that_is_no_folder_is_named_with_the_reason_alone(tmp_path: Path) -> None:
    newsletter = loader.load(samples.write(tmp_path), {})
    newsletter.state.write_text("")
    with pytest.raises(Unavailable) as raised:
        secret_key(newsletter, leaves_machine=True)
    assert raised.value.what == "cannot be read or made (File exists)"


FIRST, SECOND, THIRD = "the first of all keys", "the second of all keys", "the third of all keys"


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        pytest.param(None, [THIRD], id="never-replaced"),
        pytest.param("", [THIRD], id="empty"),
        pytest.param(SECOND, [THIRD, SECOND], id="replaced-once"),
        pytest.param(f" {SECOND} , {FIRST},", [THIRD, SECOND, FIRST], id="replaced-twice"),
        pytest.param(f"{THIRD},{SECOND},{SECOND}", [THIRD, SECOND], id="repeated"),
    ],
)
def test_the_current_key_is_before_the_old_ones(tmp_path: Path, old: str | None, expected: list[str]) -> None:
    environment = {"NEWS_SECRET_KEY": THIRD} | ({} if old is None else {"NEWS_SECRET_KEY_OLD": old})
    newsletter = loader.load(samples.write(tmp_path), environment)
    assert all_secret_keys(newsletter, leaves_machine=True) == expected
    assert "of all keys" not in repr(newsletter)


def test_old_keys_are_read_from_dotenv_beside_the_key_of_the_state(tmp_path: Path) -> None:
    samples.write(tmp_path)
    (tmp_path / ".env").write_text(f"NEWS_SECRET_KEY_OLD={SECOND}\n")
    newsletter = loader.load(tmp_path, {})
    made = secret_key(newsletter, leaves_machine=True)
    assert all_secret_keys(newsletter, leaves_machine=True) == [made, SECOND]


def test_an_old_key_that_is_too_short_is_refused_and_not_quoted(tmp_path: Path) -> None:
    environment = {"NEWS_SECRET_KEY": THIRD, "NEWS_SECRET_KEY_OLD": f"{SECOND},fifteen letters"}
    newsletter = loader.load(samples.write(tmp_path), environment)
    with pytest.raises(ConfigError, match="NEWS_SECRET_KEY_OLD: key 2 of 2 is shorter than 16") as raised:
        all_secret_keys(newsletter, leaves_machine=True)
    assert "fifteen" not in str(raised.value.problems)
