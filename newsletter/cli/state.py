"""`news state …`: the newsletter's state: subscribers, ledger and keys, here and sealed on a Git ref."""

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import Group
from newsletter.cli.gc_tuning import tune_gc
from newsletter.cli.layout import show_command, show_heading, show_text
from newsletter.cli.newsletter import load
from newsletter.display import counted, display_path
from newsletter.errors import Problem

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter
    from newsletter.services.state import SavedSummary, StateSummary
    from newsletter.state.archive import Archive
    from newsletter.state.state_key import StateKey


@click.group(cls=Group)
def state() -> None:
    """Manage the state: subscribers, sends and keys."""


@state.command()
@click.pass_obj
def path(folder: Path) -> None:
    """Print the folder of the state, for example for a backup.

    The folder may not exist yet. In a Git repository it is in Git's own folder, and a new clone has none of
    it.
    """
    from newsletter.config import loader
    from newsletter.state.location import VARIABLE, locate

    loader.refuse_missing(folder)
    location = locate(folder, os.environ.get(VARIABLE, ""))
    output.echo(os.path.abspath(location.readable))


@state.command()
@click.option("--public", is_flag=True, help="Accept that everybody can read the sealed state.")
@click.pass_obj
def init(folder: Path, public: bool) -> None:
    """Save the state on the Git ref for the first time.

    With `state: git` in newsletter.yml, the state is kept, sealed, on a ref of the repository, and other
    machines continue from there. Makes a key unless NEWS_STATE_KEY is set.
    """
    from newsletter.services.state import initialise

    tune_gc()
    newsletter = load(folder)
    show_key = partial(_show_new_key, newsletter)
    _show_saved(initialise(newsletter, public=public, on_new_key=show_key))


@state.command()
@click.option(
    "--replace",
    is_flag=True,
    help="Take it although this machine has a newer state, or a list that was never saved.",
)
@click.pass_obj
def pull(folder: Path, replace: bool) -> None:
    """Take the state from the Git ref to this machine.

    The database that this machine had is kept as replaced-news.db until the next pull; with --replace, in a
    file with the time in its name.
    """
    from newsletter.services.state import pull as pull_state

    tune_gc()
    pulled = pull_state(load(folder), replace=replace)
    if pulled is None:
        output.echo("This machine has that state already, or a newer one.")
    else:
        output.echo(f"Taken from {pulled.place}: {_content(pulled.content)}.")


@state.command()
@click.option(
    "--replace", is_flag=True, help="Save it over any state that is there, which is lost with its sends."
)
@click.option("--yes", is_flag=True, help="With --replace, do not ask; for automation.")
@click.pass_obj
def push(folder: Path, replace: bool, yes: bool) -> None:
    """Save this machine's state on the Git ref.

    `news subscribers`, `news send` and the like do that themselves.
    """
    from newsletter.services.state import push as push_state

    tune_gc()

    def agree(here: "StateSummary", there: "SavedSummary | None") -> None:
        output.echo(f"This machine has {_content(here)}.")
        if there:
            output.echo(
                f"The state of {there.saved_at:%Y-%m-%d %H:%M} UTC on the ref has {_content(there.content)}."
            )
            output.echo("Sends that only that state records would count as not sent.")
        if not yes:
            terminal.confirm("Save this machine's state in its place?", "nothing was saved")

    _show_saved(push_state(load(folder), agree if replace else None))


@state.command()
@click.pass_obj
def show(folder: Path) -> None:
    """Show the state on the Git ref; this machine's state does not change."""
    from newsletter.services.state import show as show_state

    tune_gc()
    _show(show_state(load(folder)))


@state.command("rotate-key")
@click.pass_obj
def rotate_key(folder: Path) -> None:
    """Replace the state key, in two runs.

    The first run makes a new key. Set NEWS_STATE_KEY to both keys, the new one first, here and in the
    repository's secrets. The second run seals the state with the new key. Then keep only that one.
    """
    from newsletter.services.sealed_ref import state_keys
    from newsletter.services.state import rotate_key as rotate
    from newsletter.state.state_key import VARIABLE

    tune_gc()
    newsletter = load(folder)
    if new := rotate(newsletter):
        (old,) = state_keys(newsletter)
        show_heading("A NEW KEY; NOTHING IS SEALED WITH IT YET")
        show_command(f"Set {VARIABLE} to both keys, the new one first", f"{new.text},{old.text}")
        show_command("On this machine, usually in the file", display_path(newsletter.location.env))
        show_command("In the repository's secrets, by pasting it", f"gh secret set {_secret(newsletter)}")
        show_command("Then seal the state with the new key", "news state rotate-key")
    else:
        output.echo(f"The state is sealed with the first key of {VARIABLE} now.")
        output.echo("Remove the second key, here and in the repository's secrets.")
        output.echo("States that were saved before can still be opened with it: destroy all copies of it.")


@state.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def save(folder: Path, file: Path) -> None:
    """Write the state of this machine to a new FILE, sealed: a backup."""
    from newsletter.config.environment import OLD_SECRET_KEYS
    from newsletter.services.state import save_file

    tune_gc()
    newsletter = load(folder)
    show_key = partial(_show_new_key, newsletter)
    content, size = save_file(newsletter, file, show_key)
    output.echo(f"Wrote {display_path(file)}, sealed: {_content(content)}, {_kilobytes(size)}.")
    if newsletter.secrets.old_secret_keys:
        what = f"{OLD_SECRET_KEYS} is not in the backup"
        fix = "keep a copy of it too: without it, a machine that loads the backup breaks links in older mail"
        terminal.show_problems([Problem(display_path(file), what, fix, severity="warning")])


@state.command("load")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask; for automation.")
@click.pass_obj
def load_(folder: Path, file: Path, yes: bool) -> None:
    """Replace this machine's state by that in FILE, which `news state save` wrote.

    Recipients who wait in that state, or whose send was cancelled, become unknown: they may have got their
    mail since then. The database that this machine had is kept as replaced-TIME-news.db.
    """
    from newsletter.services.state import load_file

    tune_gc()
    newsletter = load(folder)

    def agree(archive: "Archive", here: "StateSummary", there: "StateSummary") -> None:
        output.echo(f"This machine has {_content(here)}.")
        output.echo(f"The file of {archive.saved_at:%Y-%m-%d %H:%M} UTC has {_content(there)}.")
        output.echo("An issue that was sent after that time would count as not sent.")
        output.echo("People who left or were erased after that time would be on the list again.")
        if not yes:
            terminal.confirm("Replace this machine's state?", "nothing was changed")

    output.echo(f"Loaded: {_content(load_file(newsletter, file, agree))}.")
    if newsletter.config.state:
        show_command("To save it on the state ref too", "news state push --replace")


def _show_saved(saved: "SavedSummary") -> None:
    from newsletter.state.state_ref import check_size

    output.echo(f"Saved on {saved.place}, sealed: {_content(saved.content)}, {_kilobytes(saved.size)}.")
    if warning := check_size(saved.size):
        terminal.show_problems([warning])


def _show(saved: "SavedSummary") -> None:
    from newsletter.cli.send_summary import show_sends

    show_heading("THE STATE ON ITS REF")
    show_text("Place", saved.place)
    lease = saved.lease
    by = f" by {lease.saved_by}, as number {lease.generation}" if lease else ""
    show_text("Saved", f"{saved.saved_at:%Y-%m-%d %H:%M} UTC{by}")
    show_text("Size", f"{_kilobytes(saved.size)}, sealed")
    show_text("List", saved.content.list_id)
    show_text("Subscribers", f"{saved.content.subscribers:,}")
    if lease and lease.deadline and lease.deadline > datetime.now(UTC):
        show_text("Sending now", f"{lease.saved_by}, until {lease.deadline:%H:%M:%S} UTC at the latest")
    output.echo()
    show_sends(saved.content.sends)


def _show_new_key(newsletter: "Newsletter", key: "StateKey") -> None:
    """Show a new state key, once, and the next steps."""
    show_heading("A NEW STATE KEY, SHOWN THIS ONCE")
    output.echo(f"  {key.text}")
    output.echo()
    file = display_path(newsletter.location.env)
    if newsletter.config.state:
        use = "It opens and seals the state. Keep a copy in a password manager: without it, the list is lost."
    else:
        use = (
            "It opens and seals backups. Keep a copy of it apart from them: nobody can open them without it."
        )
    text = f"{use} On this machine it is in {file}"
    for line in terminal.wrapped(text, 2, always=True):
        output.echo(line)
    output.echo()
    if newsletter.config.state:
        show_command(
            "Set it as a secret of the repository, by pasting it", f"gh secret set {_secret(newsletter)}"
        )


def _secret(newsletter: "Newsletter") -> str:
    """Return the name of the secret on GitHub that the newsletter's workflows take the state key from."""
    from newsletter.starter.github_workflows import state_key_secret
    from newsletter.state.git import find_repository

    repository = find_repository(newsletter.folder)
    return state_key_secret(repository.path_of(newsletter.folder) if repository else ".")


def _content(content: "StateSummary") -> str:
    return f"{counted(content.subscribers, 'subscriber')}, {counted(len(content.sends), 'real send')}"


def _kilobytes(size: int) -> str:
    return f"{size / 1000:,.0f} KB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"
