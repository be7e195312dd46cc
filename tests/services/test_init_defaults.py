from pathlib import Path

import pytest

from newsletter.services.init_defaults import plain_defaults, suggestions, system_language
from tests import repositories


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "pt_BR.UTF-8"}, "pt-BR"),
        ({"LANG": "zh_TW"}, "zh-TW"),
        ({"LANG": "ca_ES@valencia"}, "ca"),
        ({"LANG": "de_DE", "LC_ALL": "fr_FR"}, "fr"),
        ({"LANG": "de_DE", "LC_MESSAGES": "it_IT", "LC_ALL": ""}, "it"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "POSIX"}, "en"),
        ({"LANG": "$(evil)"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_that_of_the_system(environment: dict[str, str], language: str) -> None:
    assert system_language(environment) == language


@pytest.mark.parametrize(
    ("configured", "suggested"),
    [
        ("ada@example.com", "ada@example.com"),
        ("1+ada@users.noreply.github.com", ""),
        ("ada@laptop", ""),
        ("ada\x1b[31m@example.com", ""),
    ],
)
def test_the_sender_is_that_of_commits(configured: str, suggested: str, tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    repositories.git(tmp_path, "config", "user.email", configured)
    details = suggestions(tmp_path / "soup-letter", {})
    assert (details.name, details.sender_name) == ("Soup Letter", "Soup Letter")
    assert details.sender_email == suggested


@pytest.mark.parametrize("folder", ["=?utf-8?q?soup?=", "..."])
def test_a_folder_whose_name_is_none_for_a_newsletter(folder: str, tmp_path: Path) -> None:
    assert plain_defaults(tmp_path / folder).name == "My Newsletter"
