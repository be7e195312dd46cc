"""The direction of a language's writing, by its tag."""

import pytest

from newsletter.render.language_tags import direction


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "ltr"),
        ("ar", "rtl"),
        ("ar-EG", "rtl"),
        ("HE", "rtl"),
        ("iw", "rtl"),
        ("arn", "ltr"),
        ("x", "ltr"),
    ],
)
def test_a_language_is_written_in_its_direction(language: str, expected: str) -> None:
    assert direction(language) == expected
