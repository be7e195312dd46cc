import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.config import loader
from tests import repositories, samples, terminals

ACTION = "example/news@0123456789abcdef0123456789abcdef01234567"
GITHUB = ("--github", "--action", ACTION, "--repository", "example/letters")


def init(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["-C", str(folder), "init", *arguments])


ANSWERS = {
    "name": 'Soup & "Leek": {c} #1',
    "sender-name": "Ada",
    "sender-email": "ada@example.com",
    "postal-address": "1 Kitchen Road, Example City",
    "unsubscribe": "https://example.com/leave/{token}",
    "language": "en",
}


def options(**changes: str) -> list[str]:
    answers = ANSWERS | {key.replace("_", "-"): value for key, value in changes.items()}
    return [part for key, value in answers.items() for part in (f"--{key}", value)]


def test_the_files_and_the_next_steps_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = init(Path())
    (issue,) = (tmp_path / "issues").iterdir()
    assert done.exit_code == 0
    assert (
        done.output
        == f"""\
written   .gitignore
written   README.md
written   issues/{issue.name}
written   newsletter.yml

  TO FILL IN: REPLACE EACH TODO IN newsletter.yml

  sender.email    the address that the mail comes from
  postal_address  a postal address: many countries demand it in bulk mail
  unsubscribe     the page where readers unsubscribe, or a SendGrid group

  NEXT

  Write the issue, and see it in the browser:
      news preview
  Find mistakes:
      news check
  Add yourself, and rehearse the send (no mail leaves this machine):
      news subscribers add you@example.com
      news send {issue.stem}
"""
    )


def test_a_newsletter_with_all_details_can_be_sent_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    folder = tmp_path / "soup"
    done = init(folder, *options())
    assert done.exit_code == 0 and "TO FILL IN" not in done.output
    (issue,) = (folder / "issues").iterdir()
    (tmp_path / "list.csv").write_text("address\nada@example.com\nbo@example.com\n")
    for command in (
        ("subscribers", "import", str(tmp_path / "list.csv")),
        ("send", "--issue", issue.stem, "--provider", "outbox", "--yes"),
    ):
        ran = CliRunner().invoke(main, ["-C", str(folder), *command])
        assert ran.exit_code == 0, ran.output
    mails = [path.read_bytes() for path in (folder / "outbox" / "new").iterdir()]
    assert len(mails) == 2
    assert all(b"https://example.com/leave/" in mail and b"1 Kitchen Road" in mail for mail in mails)


@pytest.mark.parametrize(("theme", "suffix"), [("digest", ".yml"), ("letter", ".md"), ("gazette", ".yml")])
def test_the_first_issue_has_no_problems(theme: str, suffix: str, tmp_path: Path) -> None:
    done = init(tmp_path, *options(theme=theme), *(["--markdown"] if suffix == ".md" else []))
    assert done.exit_code == 0 and [path.suffix for path in (tmp_path / "issues").iterdir()] == [suffix]
    assert loader.load(tmp_path, {}, review=True).config.theme == theme
    checked = CliRunner().invoke(main, ["-C", str(tmp_path), "check", "--strict"])
    assert checked.exit_code == 0 and "no problems found" in checked.output


def test_a_sendgrid_group_needs_that_provider(tmp_path: Path) -> None:
    done = init(tmp_path, *options(unsubscribe="sendgrid:12345"))
    assert done.exit_code == 0 and "--dry-run\n" in done.output
    config = loader.load(tmp_path, {}, review=True).config
    assert (config.provider, config.unsubscribe.sendgrid_group) == ("sendgrid", 12345)


def test_the_steps_on_github_are_shown(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    done = init(tmp_path / "soup", *GITHUB)
    assert done.exit_code == 0
    for step in (
        f"      cd {tmp_path / 'soup'}\n",
        "  Save the state for the first time; this makes its key:\n      news state init\n",
        "  Commit the files, and push them to the default branch:\n      git push origin main\n",
        "  Set the two secrets of example/letters:\n"
        "      gh secret set NEWS_STATE_KEY_SOUP\n      gh secret set SENDGRID_API_KEY\n",
    ):
        assert step in done.output
    lines = [line for line in done.output.partition("NEXT")[2].splitlines() if " cd " not in line]
    assert max(map(len, lines)) <= 80


def test_the_steps_on_github_name_both_halves_of_a_key_of_aws(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    samples.write(tmp_path, extra="provider: ses\nses: {region: eu-central-1}\nstate: git\n")
    done = init(tmp_path, *GITHUB)
    assert done.exit_code == 0
    assert (
        "  Set the three secrets of example/letters:\n      gh secret set NEWS_STATE_KEY\n"
        "      gh secret set AWS_ACCESS_KEY_ID\n      gh secret set AWS_SECRET_ACCESS_KEY\n"
    ) in done.output
    assert "AWS_SES_HOST" not in done.output


def test_the_archive_on_github_pages_has_a_step_of_its_own(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    done = init(tmp_path, *GITHUB, "--pages")
    assert done.exit_code == 0 and "/.github/workflows/pages.yml\n" in done.output
    assert (
        "  Switch GitHub Pages on (Settings, Pages, Source: GitHub Actions):\n"
        "      gh api --method POST repos/example/letters/pages -f build_type=workflow\n"
    ) in done.output


@pytest.mark.parametrize(
    ("extra", "warning"),
    [
        pytest.param("", "warning: has no `site:`", id="no-site"),
        pytest.param("site: https://a.example\narchive: false", "warning: `archive: false`", id="no-archive"),
    ],
)
def test_pages_that_would_fail_are_a_warning(extra: str, warning: str, tmp_path: Path) -> None:
    repositories.repository(samples.write(tmp_path, extra=extra))
    done = init(tmp_path, *GITHUB, "--pages")
    assert done.exit_code == 0 and warning in done.stderr


def test_missing_settings_of_an_existing_newsletter_are_shown(tmp_path: Path) -> None:
    repositories.repository(samples.write(tmp_path, extra="provider: smtp\nsmtp: {security: none}\n"))
    done = init(tmp_path, *GITHUB)
    assert done.exit_code == 0
    assert (
        "newsletter.yml:1: note: has no `state:`" in done.output
        and "gh secret set SMTP_PASSWORD\n      gh variable set SMTP_HOST\n" in done.output
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--action", ACTION), 2, "--action, --repository and --pages belong to --github"),
        (("--pages",), 2, "--action, --repository and --pages belong to --github"),
        (("--github", "--action", "example/news@main"), 2, "a branch or a tag can be moved"),
        (("--github", "--repository", "a/b/c"), 2, "it must have the form OWNER/NAME"),
        (GITHUB, 1, "is not in a Git repository"),
        (("--sender-email", "ada"), 2, '"ada" is not an email address'),
        (("--unsubscribe", "ada@example.com"), 2, "write an https address with {token}"),
        (("--postal-address", ""), 2, "postal_address is empty"),
        (("--theme", "modern"), 2, "write one of digest, letter, gazette"),
        (("--name", "a\x1b[31mb"), 2, "has a control character (U+001B)"),
    ],
)
def test_refusals(arguments: tuple[str, ...], code: int, message: str, tmp_path: Path) -> None:
    done = init(tmp_path, *arguments)
    assert done.exit_code == code and message in done.output
    assert not list(tmp_path.iterdir())


def test_a_newsletter_that_exists_is_refused(tmp_path: Path) -> None:
    assert init(tmp_path).exit_code == 0
    again = init(tmp_path, *options())
    assert again.exit_code == 1 and "this folder has a newsletter already" in again.output


def test_details_are_for_a_new_newsletter(tmp_path: Path) -> None:
    repositories.repository(samples.write(tmp_path))
    done = init(tmp_path, *GITHUB, "--postal-address", "1 Kitchen Road")
    assert done.exit_code == 2
    assert "this folder has a newsletter already: --postal-address is for a new one" in done.output
    assert not (tmp_path / ".github").exists()


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "newsletter", "-C", str(tmp_path / "file" / "soup"), "init"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "cannot be written (Not a directory)" in done.stderr


def test_a_terminal_asks_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    """The first answer is not UTF-8, as of a terminal with another encoding."""
    program = [sys.executable, "-m", "newsletter", "-C", "soup", "init"]
    typed = [b"Soup \xe9\n", b"Leek\n", b"\x03"]
    code, output = terminals.run(program, tmp_path, typed, {"CI": "", "PYTHONIOENCODING": "utf-8:strict"})
    assert code == 1 and "the question was not answered; nothing was written" in output
    assert "has a control character (U+DCE9)" in output and "Name of the sender [Leek]: " in output
    assert not list(tmp_path.iterdir()) and max(map(len, output.splitlines())) <= 80
