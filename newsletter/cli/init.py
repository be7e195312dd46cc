"""`news init`: begin a newsletter in a folder, with workflows for GitHub if they are wanted."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import command
from newsletter.cli.layout import show_command, show_heading
from newsletter.display import display_path

if TYPE_CHECKING:
    from newsletter.services.github_setup import GitHubSetup
    from newsletter.services.init import Begun


@command()
@click.option("--github", is_flag=True, help="Also write the workflows that review, send and cancel issues.")
@click.option(
    "--action",
    metavar="OWNER/NAME@COMMIT",
    default="",
    help="The repository of news, and a commit; by default those that this news was installed from.",
)
@click.option(
    "--repository",
    metavar="OWNER/NAME",
    default="",
    help="The repository on GitHub whose runs may send; by default that of the remote `origin`.",
)
@click.pass_obj
def init(folder: Path, github: bool, action: str, repository: str) -> None:
    """Begin a newsletter: newsletter.yml, a first issue, .gitignore.

    A file that exists is kept as it is. With --github, the folder may hold a newsletter already.
    """
    from newsletter.services.init import InitOptions, begin

    if not github and (action or repository):
        raise click.UsageError("--action and --repository belong to --github")
    begun = begin(folder, InitOptions(github, action, repository))
    for file in begun.files:
        output.echo(f"{file.result:<8}  {display_path(file.path)}")
    terminal.show_problems(begun.advice)
    _show_next_steps(begun, folder)


def _show_next_steps(begun: "Begun", folder: Path) -> None:
    show_heading("NEXT")
    if not Path.cwd().samefile(folder):
        show_command("Go to the newsletter's folder", f"cd {shlex.quote(display_path(folder))}")
    show_command("See the issue in the browser", "news preview")
    show_command("Find what is still to be filled in", "news check")
    if begun.github:
        _show_steps_on_github(begun.github)
        return
    issue = begun.issue or "DATE"
    rehearsal = ("news subscribers add you@example.com", f"news send {issue}")
    show_command("Add yourself, and rehearse the send: its mail stays in the folder outbox", *rehearsal)


def _show_steps_on_github(setup: "GitHubSetup") -> None:
    branch = setup.workflows.branch
    password = "SMTP_PASSWORD" if setup.workflows.provider == "smtp" else "SENDGRID_API_KEY"
    show_command(f"Commit the files, push them to {branch}, and save the state", "news state init")
    secrets = (f"gh secret set {name}" for name in ("NEWS_STATE_KEY", password))
    show_command(f"Set the two secrets of {setup.repository}", *secrets)
    show_command("Import the list of subscribers", "news subscribers import FILE")
    output.echo()
    text = (
        f"Then an issue with `ready: true` is sent when it is merged to {branch}, or on its date if that is "
        "later."
    )
    for line in terminal.wrapped(text, 2, always=True):
        output.echo(line)
