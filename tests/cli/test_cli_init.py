import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from tests import repositories, samples

ACTION = "example/news@0123456789abcdef0123456789abcdef01234567"
GITHUB = ("--github", "--action", ACTION, "--repository", "example/letters")


def init(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["-C", str(folder), "init", *arguments])


def test_the_files_and_the_next_steps_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = init(Path())
    (issue,) = (tmp_path / "issues").iterdir()
    assert done.exit_code == 0
    assert (
        done.output
        == f"""\
written   .gitignore
written   issues/{issue.name}
written   newsletter.yml

  NEXT

  See the issue in the browser:
      news preview
  Find what is still to be filled in:
      news check
  Add yourself, and rehearse the send (no mail leaves this machine):
      news subscribers add you@example.com
      news send DATE
"""
    )


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


def test_missing_settings_of_an_existing_newsletter_are_shown(tmp_path: Path) -> None:
    repositories.repository(samples.write(tmp_path, extra="provider: smtp\nsmtp: {security: none}\n"))
    done = init(tmp_path, *GITHUB)
    assert done.exit_code == 0
    assert (
        "note: has no `state:`" in done.output
        and "gh secret set SMTP_PASSWORD\n      gh variable set SMTP_HOST\n" in done.output
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--action", ACTION), 2, "--action and --repository belong to --github"),
        (("--github", "--action", "example/news@main"), 2, "a branch or a tag can be moved"),
        (("--github", "--repository", "a/b/c"), 2, "it must have the form OWNER/NAME"),
        (GITHUB, 1, "is not in a Git repository"),
    ],
)
def test_refusals(arguments: tuple[str, ...], code: int, message: str, tmp_path: Path) -> None:
    done = init(tmp_path, *arguments)
    assert done.exit_code == code and message in done.output
    assert not list(tmp_path.iterdir())


def test_a_newsletter_that_exists_is_refused(tmp_path: Path) -> None:
    assert init(tmp_path).exit_code == 0
    again = init(tmp_path)
    assert again.exit_code == 1 and "this folder has a newsletter already" in again.output


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
