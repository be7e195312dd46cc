"""What a spam filter says before anybody has the mail: SpamAssassin's own rules, on this machine alone."""

from collections.abc import Iterator

from newsletter.checks.external import spamassassin
from newsletter.checks.proof import Proof
from newsletter.errors import Problem, Severity
from newsletter.mail.sample import sample_message

# Well below what counts as spam: DNS, DKIM and the sender's name, unknown here, will add to it or take away.
FINE = 2.0


def spam(proof: Proof) -> Iterator[Problem]:
    """What SpamAssassin's local rules make of the whole message."""
    program = spamassassin.program()
    if program is None:
        what, fix = "SpamAssassin is not installed: no score", "on Debian: sudo apt-get install spamassassin"
        yield Problem(proof.issue.path, what, fix, "note")
        return
    message = sample_message(proof.issue, proof.rendered, proof.newsletter)
    try:
        report = spamassassin.score(message, program)
    except spamassassin.Failed as failure:
        yield Problem(proof.issue.path, f"SpamAssassin {failure}: no score", "try it again", "warning")
        return
    severity: Severity = "note"
    fix = "fine; who sends it, and how it arrives, counts as well and cannot be seen here"
    if report.score >= FINE:
        severity = "error" if report.score >= report.required else "warning"
        fix = "change what fired the rules with the most points"
    what = f"SpamAssassin gives it {report.score + 0:.1f} points; from {report.required:g} on it is spam"
    rules = sorted(report.rules, key=lambda rule: -rule.points)
    table = tuple(f"{rule.points + 0:5.1f}  {rule.name}: {rule.description}"[:110] for rule in rules)
    yield Problem(proof.issue.path, what, fix, severity, details=table)
