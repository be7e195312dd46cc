import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsletter.starter.github_names import ActionSource
from newsletter.starter.github_workflows import WorkflowOptions, workflows

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HERE = "github.repository == 'example/letters'"
OPTIONS = WorkflowOptions(ActionSource("example/news", COMMIT), "example/letters", "main")
IN_A_FOLDER = replace(
    OPTIONS, branch="release/2.0", folder="letters/soup", provider="smtp", has_own_host=True
)
WITH_PAGES, FOLDER_WITH_PAGES = replace(OPTIONS, pages=True), replace(IN_A_FOLDER, pages=True)
PATHS = ["issues/**", "templates/**", "newsletter.yml"]


def parsed(options: WorkflowOptions) -> dict[str, Any]:
    # PyYAML reads the key `on` as true.
    return {path.name: yaml.safe_load(text) for path, text in workflows(options).items()}


def calls(workflow: dict[str, Any], job: str) -> list[tuple[str, dict[str, str]]]:
    return [(step.get("uses", ""), step.get("with", {})) for step in workflow["jobs"][job]["steps"]]


def test_the_workflows_of_a_newsletter_at_the_top() -> None:
    files = parsed(OPTIONS)
    assert sorted(files) == ["cancel.yml", "review.yml", "send.yml"]
    send = files["send.yml"]
    assert send[True]["push"] == {"branches": ["main"], "paths": PATHS}
    assert send["concurrency"] == {"group": "newsletter", "queue": "max"}
    assert send["jobs"]["send"]["if"] == HERE
    name, inputs = calls(send, "send")[1]
    assert name == f"example/news/.github/actions/news@{COMMIT}"
    assert inputs == {
        "command": "-v send --ready --yes",
        "finish": "true",
        "token": "${{ github.token }}",
        "state-key": "${{ secrets.NEWS_STATE_KEY }}",
        "sendgrid-api-key": "${{ secrets.SENDGRID_API_KEY }}",
    }
    assert calls(files["cancel.yml"], "cancel")[1][1]["issue"] == "${{ inputs.issue }}"
    assert files["review.yml"][True] == {"pull_request": {"paths": PATHS}}
    assert [name for name, _ in calls(files["review.yml"], "review")[1:]] == [
        f"example/news/.github/actions/{action}@{COMMIT}" for action in ("news", "review")
    ]


def test_the_workflows_pass_both_halves_of_a_key_of_aws() -> None:
    for own_host in (False, True):
        files = parsed(replace(OPTIONS, provider="ses", has_own_host=own_host))
        for name, job in (("send.yml", "send"), ("cancel.yml", "cancel")):
            inputs = calls(files[name], job)[1][1]
            assert inputs["aws-access-key-id"] == "${{ secrets.AWS_ACCESS_KEY_ID }}"
            assert inputs["aws-secret-access-key"] == "${{ secrets.AWS_SECRET_ACCESS_KEY }}"
            assert ("aws-ses-host" in inputs) == own_host


def test_the_job_that_renders_a_branch_has_no_secret_and_no_token_that_writes() -> None:
    text = next(text for path, text in workflows(OPTIONS).items() if path.name == "review.yml")
    assert "secrets." not in text
    jobs = yaml.safe_load(text)["jobs"]
    assert jobs["review"]["permissions"] == {"contents": "read"}
    assert "token" not in str(jobs["review"]["steps"])
    assert [step["uses"].split("/")[-1].split("@")[0] for step in jobs["comment"]["steps"]] == ["comment"]


def test_the_workflows_of_a_newsletter_in_a_folder() -> None:
    files = parsed(IN_A_FOLDER)
    assert sorted(files) == ["cancel-letters--soup.yml", "review-letters--soup.yml", "send-letters--soup.yml"]
    send = files["send-letters--soup.yml"]
    assert send["name"] == "Send (letters/soup)"
    assert send["concurrency"]["group"] == "newsletter-letters--soup"
    assert send[True]["push"] == {"branches": ["release/2.0"], "paths": [f"letters/soup/{p}" for p in PATHS]}
    _, inputs = calls(send, "send")[1]
    assert inputs["folder"] == "letters/soup"
    # Each newsletter of a repository has a key of its own.
    assert inputs["state-key"] == "${{ secrets.NEWS_STATE_KEY_LETTERS_SOUP }}"
    assert inputs["smtp-password"] == "${{ secrets.SMTP_PASSWORD }}"
    assert inputs["smtp-host"] == "${{ vars.SMTP_HOST }}" and "sendgrid-api-key" not in inputs
    review = files["review-letters--soup.yml"]
    assert calls(review, "review")[2][1] == {"folder": "letters/soup"}
    assert review["concurrency"]["group"] != files["send-letters--soup.yml"]["concurrency"]["group"]


def test_the_archive_is_published_only_if_it_is_wanted() -> None:
    send = parsed(OPTIONS)["send.yml"]
    assert list(send["jobs"]) == ["send"] and "needs" not in send["jobs"]["send"]
    files = parsed(WITH_PAGES)
    assert sorted(files) == ["cancel.yml", "pages.yml", "review.yml", "send.yml"]
    # The files differ in nothing else.
    with_pages = files["send.yml"]
    del with_pages["jobs"]["pages"], with_pages["jobs"]["send"]["needs"]
    with_pages["jobs"]["send"]["if"] = HERE
    assert with_pages == send


def test_the_pages_of_a_newsletter_in_a_folder() -> None:
    files = parsed(FOLDER_WITH_PAGES)
    called = files["send-letters--soup.yml"]["jobs"]["pages"]["uses"]
    assert called == "$/.github/workflows/pages-letters--soup.yml"
    pages = files["pages-letters--soup.yml"]
    assert pages["name"] == "Pages (letters/soup)"
    # A repository has one site, and each newsletter would replace it.
    assert pages["concurrency"] == {"group": "pages", "queue": "max"}
    assert "letters/soup/pictures/**" in pages[True]["push"]["paths"]
    (_, checkout), (_, inputs), *_ = calls(pages, "build")
    assert checkout["ref"] == "release/2.0"
    assert inputs == {"folder": "letters/soup", "command": "archive -o site", "pictures": "true"}


@pytest.mark.parametrize("name", ["1.10", "007", "null", "true", "0x10"])
def test_names_stay_texts(name: str) -> None:
    files = parsed(replace(OPTIONS, folder=name, branch=name))
    send = files[f"send-{name}.yml"]
    assert send[True]["push"]["branches"] == [name]
    assert calls(send, "send")[1][1]["folder"] == name
    assert calls(files[f"review-{name}.yml"], "review")[2][1] == {"folder": name}


def test_the_key_of_mailgun_is_handed_over() -> None:
    files = parsed(replace(OPTIONS, provider="mailgun", has_own_host=True))
    _, inputs = calls(files["send.yml"], "send")[1]
    assert inputs["mailgun-api-key"] == "${{ secrets.MAILGUN_API_KEY }}"
    assert inputs["mailgun-host"] == "${{ vars.MAILGUN_HOST }}" and "sendgrid-api-key" not in inputs


def test_the_token_of_postmark_is_handed_over() -> None:
    files = parsed(replace(OPTIONS, provider="postmark", has_own_host=True))
    _, inputs = calls(files["send.yml"], "send")[1]
    assert inputs["postmark-server-token"] == "${{ secrets.POSTMARK_SERVER_TOKEN }}"
    assert inputs["postmark-host"] == "${{ vars.POSTMARK_HOST }}" and "sendgrid-api-key" not in inputs


def test_a_key_for_another_host_comes_with_its_host() -> None:
    _, inputs = calls(parsed(replace(OPTIONS, has_own_host=True))["send.yml"], "send")[1]
    assert inputs["sendgrid-host"] == "${{ vars.SENDGRID_HOST }}"


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(OPTIONS, id="top"),
        pytest.param(IN_A_FOLDER, id="folder"),
        pytest.param(WITH_PAGES, id="pages"),
        pytest.param(FOLDER_WITH_PAGES, id="pages-of-a-folder"),
    ],
)
def test_the_linters_find_nothing(options: WorkflowOptions, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for path, text in workflows(options).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    programs = Path(sys.executable).parent
    for command in (
        ["actionlint", "-shellcheck=", "-pyflakes="],
        ["zizmor", "--offline", "--no-progress", "--quiet", ".github"],
    ):
        done = subprocess.run(
            [programs / command[0], *command[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
