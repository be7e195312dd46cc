import pytest
from click.testing import CliRunner

from newsletter.cli.init_questions import ask_details
from newsletter.errors import NewsError
from newsletter.starter.details import Details

SUGGESTED = Details("Soup Letter", "Soup Letter", "ada@example.com", language="de")
NO_OPTIONS: dict[str, str | None] = dict.fromkeys(
    ("name", "sender_name", "sender_email", "postal_address", "unsubscribe", "language", "theme")
)


def ask(answers: str, **options: str) -> tuple[Details, str]:
    """Return the details after answers that are typed, and what the terminal shows."""
    with CliRunner().isolation(input=answers) as (output, errors, _):
        details = ask_details(NO_OPTIONS | options, SUGGESTED)
        return details, (output.getvalue() + errors.getvalue()).decode()


def test_enter_takes_what_stands_in_brackets() -> None:
    details, shown = ask("\n" * 7)
    assert details == SUGGESTED
    for question in (
        "newsletter [Soup Letter]: ",
        "sender [ada@example.com]: ",
        "line [later]: ",
        "gazette [digest]: ",
    ):
        assert question in shown
    assert max(map(len, shown.splitlines())) <= 110 and "TODO" not in shown


def test_the_sender_has_the_name_that_was_typed() -> None:
    details, _ = ask("Leek & Potato\n" + "\n" * 6)
    assert (details.name, details.sender_name) == ("Leek & Potato", "Leek & Potato")
    details, _ = ask("\n" * 6, name="Leek")
    assert (details.name, details.sender_name) == ("Leek", "Leek")


def test_an_invalid_answer_is_asked_for_again_with_the_reason() -> None:
    answers = [
        "",
        "Ada",
        "foo",
        "ada@example.org",
        "later",
        "https://example.com",
        "sendgrid:12345",
        "xx-",
        "no",
        "modern",
        "letter",
    ]
    details, shown = ask("\n".join(answers) + "\n")
    assert details == Details("Soup Letter", "Ada", "ada@example.org", "", "sendgrid:12345", "no", "letter")
    assert '"foo" is not an email address' in shown and "needs {token} exactly once" in shown
    assert "is not a language code" in shown and 'theme is "modern"' in shown


def test_only_what_no_option_gives_is_asked_for() -> None:
    options = {"name": "Leek", "sender_name": "Ada", "sender_email": "ada@example.org", "language": "en"}
    options["theme"] = "gazette"
    details, shown = ask("1 Kitchen Road\nhttps://example.com/{token}\n", **options)
    assert details == Details(
        "Leek", "Ada", "ada@example.org", "1 Kitchen Road", "https://example.com/{token}", "en", "gazette"
    )
    assert "Name" not in shown
    _, shown = ask("", **options, postal_address="1 Road", unsubscribe="sendgrid:1")
    assert shown == ""


def test_the_end_of_the_input_is_no_answer() -> None:
    with pytest.raises(NewsError, match="the question was not answered; nothing was written"):
        ask("\nAda\n")
