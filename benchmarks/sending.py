"""Print the speed, memory and ledger size of sending, each next to its aim and the figures of other tools.

All mail goes to sinks on loopback, which accept everything (sinks.py). `--quick` sends to a tenth of the
recipients.
"""

import argparse
import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import letter
import measure
import peers
import sends
from letter import CONNECTIONS, REQUESTS

from tests.fakes import postgresql

HTTP_LATENCY, SMTP_LATENCY = 0.15, 0.02
MANY_REQUESTS, MANY_CONNECTIONS = 16, 32


@dataclass(frozen=True)
class Sizes:
    """The number of recipients for each part of the table."""

    large: int
    small: int
    helpers: int
    smtp: int
    mailmerge: int


FULL = Sizes(1_000_000, 100_000, 100_000, 20_000, 400)
QUICK = Sizes(100_000, 10_000, 20_000, 5_000, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the recipients")
    sizes = QUICK if parser.parse_args().quick else FULL
    other_load = measure.OtherLoad()
    with tempfile.TemporaryDirectory() as name:
        letters = sends.Letters(Path(name))
        sendgrid(letters, sizes)
        print()
        smtp(letters, sizes)
        print()
        in_postgresql(sizes.small)
    busy = f"{other_load.cores():.1f} of {os.cpu_count()} cores"
    print(f"\nMeanwhile other processes kept {busy} busy; under high load, the rates are too low.")


def sendgrid(letters: sends.Letters, sizes: Sizes) -> None:
    heading(f"SendGrid, {sizes.large:,} recipients, {REQUESTS} requests at once")
    with letters.with_subscribers(0) as folder:
        without = sends.without_ledger(folder, sizes.large)
        rate("ledger off, generated recipients, without the start", without, aim=250_000)
    with letters.with_subscribers(sizes.large) as folder:
        before = sends.ledger_bytes(folder)
        whole = sends.through_sendgrid(folder, sizes.large)
        rate("ledger on: SQLite, durable, the whole command", whole.rate, aim=100_000)
        rate("  between the first request and the last response", whole.rate_at_sink)
        grown = (sends.ledger_bytes(folder) - before) / sizes.large
        at_most("ledger, bytes a recipient", grown, 60, "B")
        at_most("news status, whole process", sends.status_seconds(folder), 1, "s")
    with letters.with_subscribers(sizes.small) as folder:
        small = sends.through_sendgrid(folder, sizes.small)
        at_most(f"peak memory, {sizes.small:,} recipients", small.ran.megabytes, 120, "MB")
        at_most(f"peak memory, {sizes.large:,} recipients", whole.ran.megabytes, 120, "MB")
        file = folder / "letter.json"
        dicts = peers.sendgrid("dicts", file, sizes.small)
        against("sendgrid package, dicts", dicts, without)
        helpers = peers.sendgrid("helpers", file, sizes.helpers)
        against("sendgrid package, helper objects", helpers, without)
    for concurrency in (REQUESTS, MANY_REQUESTS):
        sendgrid_with_latency(letters, sizes, concurrency)


def sendgrid_with_latency(letters: sends.Letters, sizes: Sizes, concurrency: int) -> None:
    heading(f"SendGrid, {HTTP_LATENCY * 1000:.0f} ms a request, {concurrency} at once, ledger on")
    # Enough for some seconds, so that the first and the last requests have little effect.
    recipients = min(sizes.large, 50_000 * concurrency)
    limit = concurrency / HTTP_LATENCY * 1000
    with letters.with_subscribers(recipients) as folder:
        sent = sends.through_sendgrid(folder, recipients, HTTP_LATENCY, concurrency)
        rate("between the first request and the last response", sent.rate_at_sink, aim=0.8 * limit)
        row("  share of the maximum for these requests", f"{sent.rate_at_sink / limit:.0%}", ">= 80%")
        theirs = peers.sendgrid("dicts", folder / "letter.json", sizes.small, HTTP_LATENCY, concurrency)
        against("sendgrid package, dicts, as many threads", theirs, sent.rate_at_sink)


def smtp(letters: sends.Letters, sizes: Sizes) -> None:
    with letters.with_subscribers(sizes.smtp) as folder:
        length, file = letter.message_bytes(folder), folder / "letter.json"
        heading(f"SMTP, {length:,} bytes a message, {CONNECTIONS} connections, ledger on")
        ours = sends.through_smtp(folder, sizes.smtp, CONNECTIONS).rate
        rate(f"{sizes.smtp:,} messages", ours, aim=1_500)
        for sessions in (1, CONNECTIONS):
            source = peers.smtp_source(length, sizes.smtp, sessions)
            against(f"smtp-source, {plural(sessions, 'session')}", source, ours)
        nodemailer = peers.nodemailer(file, sizes.smtp // 5, CONNECTIONS)
        against("nodemailer's pool, as many connections", nodemailer, ours)
        against("mailmerge", peers.mailmerge(file, sizes.mailmerge), ours)
    for connections in (CONNECTIONS, MANY_CONNECTIONS):
        smtp_with_latency(letters, sizes, connections)


def smtp_with_latency(letters: sends.Letters, sizes: Sizes, connections: int) -> None:
    heading(f"SMTP, {SMTP_LATENCY * 1000:.0f} ms a reply, {connections} connections, ledger on")
    messages = min(sizes.smtp, 300 * connections)
    with letters.with_subscribers(messages) as folder:
        length, file = letter.message_bytes(folder), folder / "letter.json"
        ours = sends.through_smtp(folder, messages, connections, SMTP_LATENCY).rate_at_sink
        rate(f"{messages:,} messages, from the first to the last", ours)
        nodemailer = peers.nodemailer(file, messages, connections, SMTP_LATENCY)
        against("nodemailer's pool", nodemailer, ours, aim=2)
        source = peers.smtp_source(length, messages // 4, connections, SMTP_LATENCY)
        against("smtp-source, which does not pipeline", source, ours)


def in_postgresql(recipients: int) -> None:
    """Measure a send on PostgreSQL, on the server of the tests, which runs without fsync."""
    if reason := postgresql.absent():
        row("PostgreSQL", f"left out: {reason}")
        return
    with ExitStack() as stack:
        server = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(postgresql.running(server))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        letter.make(folder, recipients, database)
        heading(f"PostgreSQL without fsync, {recipients:,} recipients")
        before = sends.postgresql_bytes(database)
        rate("ledger on", sends.through_sendgrid(folder, recipients, database=database).rate)
        grown = (sends.postgresql_bytes(database) - before) / recipients
        row("  ledger, bytes a recipient", f"{grown:.0f} B")


def heading(text: str) -> None:
    row(text, "", "aim", "ours / theirs")


def rate(label: str, measured: float, aim: float | None = None) -> None:
    aims = (f">= {aim:,.0f}/s", "met" if measured >= aim else "MISSED") if aim else ()
    row(f"  {label}", f"{measured:,.0f}/s", *aims)


def at_most(label: str, measured: float, aim: float, unit: str) -> None:
    shown = f"{measured:.2f}" if measured < 10 else f"{measured:.0f}"
    row(f"  {label}", f"{shown} {unit}", f"< {aim} {unit}", "met" if measured < aim else "MISSED")


def against(label: str, theirs: float | None, ours: float, aim: float | None = None) -> None:
    if theirs is not None:
        missed = " MISSED" if aim and ours < aim * theirs else ""
        aims = f">= {aim:g} x" if aim else ""
        row(f"    {label}", f"{theirs:,.0f}/s", aims, f"{ours / theirs:.1f} x{missed}")


def row(*cells: str) -> None:
    measure.row(*cells)


def plural(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number > 1 else "")


if __name__ == "__main__":
    main()
