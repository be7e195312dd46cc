"""Tests of the secret key in the folder of the state."""

from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.errors import Unavailable
from newsletter.state.secret_key import find_secret_key, secret_key
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
