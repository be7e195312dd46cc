"""`news serve`: the public pages on which people sign up and leave."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import command, listen_options
from newsletter.cli.newsletter import load
from newsletter.constants import SERVE_PORT
from newsletter.errors import Problem

if TYPE_CHECKING:
    from newsletter.web.public_address import PublicAddress


@command()
@listen_options(SERVE_PORT)
@click.pass_obj
def serve(folder: Path, port: int, host: str) -> None:
    """Serve the pages to sign up and to unsubscribe.

    It runs until Ctrl-C or SIGTERM, behind a web server that speaks https. It also sends the mail for these
    pages, and takes the reports of the provider. It logs its steps to standard error, as with -v.
    """
    from newsletter.web import launch

    newsletter = load(folder)

    def ready(url: str, public: "PublicAddress") -> None:
        output.echo(f"Serving {newsletter.config.name} at {url}")
        if not public.is_loopback_only:
            output.echo(f"  Readers reach it at {public.url}/, through your web server.")
            if not newsletter.config.serve.proxies:
                what = "all readers share one limit, because serve.proxies does not name your web server"
                fix = "if it is on this machine, write serve: {proxies: [127.0.0.1]}"
                where = newsletter.where("serve", "proxies")
                terminal.show_problems([Problem(where, what, fix, severity="warning")])
        elif public.port and public.port != (here := urlsplit(url).port):
            what = f"links in the mail lead to port {public.port}, and the server listens on port {here}"
            fix = f"write {here} in place of {public.port} in unsubscribe.url, or use --port {public.port}"
            where = newsletter.where("unsubscribe", "url")
            terminal.show_problems([Problem(where, what, fix, severity="warning")])
        if newsletter.config.provider == "outbox":
            output.echo(f"  Its mail stays in {newsletter.config.outbox.path}/: provider is outbox.")
        output.echo("  Stop it with Ctrl-C.")

    launch.serve(newsletter, host=host, port=port, ready=ready)
