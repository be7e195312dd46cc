"""`news init`: begin a newsletter in a folder, with workflows for GitHub if they are wanted."""

import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import command
from newsletter.cli.layout import show_command, show_heading
from newsletter.display import display_path
from newsletter.errors import Problem

if TYPE_CHECKING:
    from newsletter.services.init import InitResult
    from newsletter.starter.github_workflows import WorkflowOptions

# The secret of each provider, and the variable with the host that it is for.
_SECRETS = {"sendgrid": ("SENDGRID_API_KEY", "SENDGRID_HOST"), "smtp": ("SMTP_PASSWORD", "SMTP_HOST")}


@command()
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
@click.pass_obj
def init(folder: Path, github: bool, action: str | None, repository: str | None) -> None:
    """Begin a newsletter in this folder.

    This writes newsletter.yml, an example of an issue, and .gitignore. A file that exists is kept; .gitignore
    gets the lines that it lacks. With --github, the folder may hold a newsletter already.
    """
    from newsletter.services.init import InitOptions, init_newsletter
    from newsletter.starter.github_names import parse_action, parse_repository

    if not github and (action or repository):
        raise click.UsageError("--action and --repository belong to --github")
    source = _parsed("--action", parse_action, action)
    name = _parsed("--repository", parse_repository, repository) or ""
    today = datetime.now(UTC).date()  # as for `news send --ready`, so that the example is due today
    result = init_newsletter(folder, InitOptions(github, source, name), today)
    for file in result.files:
        output.echo(f"{file.result:<8}  {display_path(file.path)}")
    terminal.show_problems(_notes(result))
    _show_next_steps(result, folder)


def _notes(result: "InitResult") -> Iterator[Problem]:
    for file in result.files:
        if file.result == "differs":
            what = "is not what this command writes, and is kept"
            fix = "if it may be replaced, delete it, and run the same command again"
            yield Problem(display_path(file.path), what, fix, "warning")
    if result.github:
        yield from result.github.notes


def _parsed(option: str, parse: Callable[[str], Any], text: str | None) -> Any:
    """Return the parsed value of an option, None if it is not given; raise BadParameter."""
    try:
        return parse(text) if text is not None else None
    except ValueError as failure:
        raise click.BadParameter(str(failure), param_hint=option) from failure


def _show_next_steps(result: "InitResult", folder: Path) -> None:
    show_heading("NEXT")
    if not Path.cwd().samefile(folder):
        show_command("Go to the newsletter's folder", f"cd {shlex.quote(display_path(folder))}")
    show_command("See the issue in the browser", "news preview")
    show_command("Find what is still to be filled in", "news check")
    if result.github:
        _show_steps_on_github(result.github.workflows)
        return
    rehearsal = ("news subscribers add you@example.com", "news send DATE")
    show_command("Add yourself, and rehearse the send (no mail leaves this machine)", *rehearsal)


def _show_steps_on_github(workflows: "WorkflowOptions") -> None:
    from newsletter.starter.github_workflows import state_key_secret

    secret, host = _SECRETS[workflows.provider]
    branch = shlex.quote(workflows.branch)
    show_command("Save the state for the first time; this makes its key", "news state init")
    variables = [f"gh variable set {host}"] if workflows.has_own_host else []
    secrets = [f"gh secret set {name}" for name in (state_key_secret(workflows.folder), secret)]
    show_command(f"Set the two secrets of {workflows.repository}", *secrets, *variables)
    show_command("Commit the files, and push them to the default branch", f"git push origin {branch}")
    show_command("Import the list, and examine everything", "news subscribers import FILE", "news doctor")
    output.echo()
    text = (
        f"Then an issue with `ready: true` is sent when it is merged to {workflows.branch}, or on its date "
        "if that is later."
    )
    for line in terminal.wrapped(text, 2, always=True):
        output.echo(line)
