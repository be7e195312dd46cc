"""`news init`: begin a newsletter in a folder, with workflows for GitHub if they are wanted."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import command
from newsletter.cli.layout import show_command, show_heading
from newsletter.cli.new_files import show_new_files
from newsletter.constants import PROVIDER_HOSTS, PROVIDER_KEYS
from newsletter.display import display_path

if TYPE_CHECKING:
    from newsletter.services.init import InitPlan, InitResult
    from newsletter.starter.details import Details
    from newsletter.starter.github_workflows import WorkflowOptions

_NUMBERS = {2: "two", 3: "three"}
_KEY_WIDTH = 16


@command()
@click.option("--name", help="The name of the newsletter.")
@click.option("--sender-name", metavar="NAME", help="The name that the mail comes from.")
@click.option("--sender-email", metavar="ADDRESS", help="The address that the mail comes from.")
@click.option(
    "--postal-address", metavar="TEXT", help="The postal address at the end of the mail, in one line."
)
@click.option(
    "--unsubscribe",
    metavar="PAGE",
    help="The page to unsubscribe, https://… with {token} in it; or sendgrid:NUMBER for a SendGrid group.",
)
@click.option("--language", metavar="CODE", help="The language of the mail, such as en or pt-BR.")
@click.option("--theme", metavar="THEME", help="The design of the mail: digest, letter or gazette.")
@click.option("--markdown", is_flag=True, help="Write the first issue as a file in Markdown.")
@click.option("--github", is_flag=True, help="Also write the workflows that review, send and cancel issues.")
@click.option(
    "--action",
    metavar="OWNER/NAME@COMMIT",
    help="The repository of news, and a commit; by default those that this news was installed from.",
)
@click.option(
    "--repository",
    metavar="OWNER/NAME",
    help="The repository on GitHub whose runs may send; by default that of the remote `origin`.",
)
@click.option(
    "--pages",
    is_flag=True,
    help="With --github: publish the archive on GitHub Pages, before each send too.",
)
@click.pass_obj
def init(
    folder: Path,
    /,
    github: bool,
    action: str | None,
    repository: str | None,
    pages: bool,
    markdown: bool,
    **details: str | None,
) -> None:
    """Begin a newsletter in this folder.

    In a terminal, this asks for what no option gives; elsewhere it writes TODO in its place. It writes
    newsletter.yml, a first issue, README.md and .gitignore. A file that exists is kept; .gitignore gets the
    lines that it lacks. With --github, the folder may hold a newsletter already.
    """
    from newsletter.services.init import InitOptions, init_newsletter, plan_init
    from newsletter.starter.github_names import parse_action, parse_repository

    if not github and (action or repository or pages):
        raise click.UsageError("--action, --repository and --pages belong to --github")
    source = _parsed("--action", parse_action, action)
    name = _parsed("--repository", parse_repository, repository) or ""
    plan = plan_init(folder, InitOptions(github, source, name, markdown, pages))
    known = _details(plan, details)
    today = datetime.now(UTC).date()  # as for `news send --ready`, so that the example is due today
    result = init_newsletter(plan, known, today)
    show_new_files(result.files, "is not what this command writes, and is kept")
    if result.github:
        terminal.show_problems(result.github.notes)
    if not plan.exists:
        _show_missing(known)
    _show_next_steps(result, known, folder)


def _details(plan: "InitPlan", options: Mapping[str, str | None]) -> "Details":
    """Return the details of the newsletter: of options, of answers, or defaults."""
    from newsletter.cli.init_questions import ask_details, details_of_options
    from newsletter.config.loader import is_ci
    from newsletter.services.init_defaults import plain_defaults, suggestions

    given = [key for key, text in {**options, "markdown": plan.markdown or None}.items() if text is not None]
    if plan.exists and given:
        option = f"--{given[0].replace('_', '-')}"
        raise click.UsageError(f"this folder has a newsletter already: {option} is for a new one")
    in_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not is_ci(os.environ)
    if in_terminal and not plan.exists:
        return ask_details(options, suggestions(plan.folder, os.environ))
    return details_of_options(options, plain_defaults(plan.folder))


def _parsed(option: str, parse: Callable[[str], Any], text: str | None) -> Any:
    """Return the parsed value of an option, None if it is not given; raise BadParameter."""
    try:
        return parse(text) if text is not None else None
    except ValueError as failure:
        raise click.BadParameter(str(failure), param_hint=option) from failure


def _show_missing(details: "Details") -> None:
    missing = list(details.missing())
    if not missing:
        return
    show_heading("TO FILL IN: REPLACE EACH TODO IN newsletter.yml")
    for key, meaning in missing:
        output.echo(f"  {key:<{_KEY_WIDTH}}{meaning}")


def _show_next_steps(result: "InitResult", details: "Details", folder: Path) -> None:
    show_heading("NEXT")
    if not Path.cwd().samefile(folder):
        show_command("Go to the newsletter's folder", f"cd {shlex.quote(display_path(folder))}")
    show_command("Write the issue, and see it in the browser", "news preview")
    show_command("Find mistakes", "news check")
    if result.github:
        _show_steps_on_github(result.github.workflows)
        return
    add = f"news subscribers add {shlex.quote(details.sender_email or 'you@example.com')}"
    issue = result.issue or "DATE"
    if details.sendgrid_group:
        show_command("Add yourself, and look at what would be sent", add, f"news send {issue} --dry-run")
    else:
        rehearsal = "Add yourself, and rehearse the send (no mail leaves this machine)"
        show_command(rehearsal, add, f"news send {issue}")


def _show_steps_on_github(workflows: "WorkflowOptions") -> None:
    from newsletter.starter.github_workflows import state_key_secret

    keys, host = PROVIDER_KEYS[workflows.provider], PROVIDER_HOSTS[workflows.provider]
    branch, repository = shlex.quote(workflows.branch), workflows.repository
    show_command("Save the state for the first time; this makes its key", "news state init")
    variables = [f"gh variable set {host}"] if workflows.has_own_host else []
    names = (state_key_secret(workflows.folder), *keys)
    secrets = [f"gh secret set {name}" for name in names]
    show_command(f"Set the {_NUMBERS[len(names)]} secrets of {repository}", *secrets, *variables)
    if workflows.pages:
        switch_on = f"gh api --method POST repos/{repository}/pages -f build_type=workflow"
        show_command("Switch GitHub Pages on (Settings, Pages, Source: GitHub Actions)", switch_on)
    show_command("Commit the files, and push them to the default branch", f"git push origin {branch}")
    show_command("Import the list, and examine everything", "news subscribers import FILE", "news doctor")
    output.echo()
    text = (
        f"Then an issue with `ready: true` is sent when it is merged to {workflows.branch}, or on its date "
        "if that is later."
    )
    for line in terminal.wrapped(text, 2, always=True):
        output.echo(line)
