"""`news init`: begin a newsletter in a folder, with workflows for GitHub if they are wanted."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import command
from newsletter.cli.layout import show_command, show_heading
from newsletter.display import display_path

if TYPE_CHECKING:
    from newsletter.services.init import Begun, InitOptions


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
    options = InitOptions(github, action, repository)
    begun = begin(folder, options)
    for file in begun.files:
        output.echo(f"{file.result:<8}  {display_path(file.path)}")
    terminal.show_problems(begun.advice)
    _show_next_steps(begun, options)


def _show_next_steps(begun: "Begun", options: "InitOptions") -> None:
    show_heading("NEXT")
    show_command("See the issue in the browser", "news preview")
    show_command("Find what is still to be filled in", "news check")
    setup = begun.github
    if setup is None:
        show_command("Send it into the folder outbox, as a rehearsal", "news send DATE")
        return
    password = "SMTP_PASSWORD" if setup.workflows.provider == "smtp" else "SENDGRID_API_KEY"
    show_command("Push these files to the default branch, then save the state", "news state init")
    show_command(f"Set the two secrets of {setup.repository}", "gh secret set NEWS_STATE_KEY")
    show_command("and", f"gh secret set {password}")
    output.echo()
    text = (
        f"An issue with `ready: true` that is merged to {setup.workflows.branch} is then sent, by a run of "
        f"{setup.repository} only."
    )
    for line in terminal.wrapped(text, 2, always=True):
        output.echo(line)
