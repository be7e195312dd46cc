"""Score the message with SpamAssassin's local rules."""

from collections.abc import Iterator

from newsletter.checks.external import spamassassin
from newsletter.checks.proof import Proof
from newsletter.errors import Problem, Severity
from newsletter.mail.sample import sample_message

# In points, well below the limit for spam: DNS, DKIM and the sender, unknown here, will change the score.
WARNING_SCORE = 2.0


def spam(proof: Proof) -> Iterator[Problem]:
    """The score of the whole message by SpamAssassin's local rules."""
    program = spamassassin.program(proof.newsletter.folder)
    if program is None:
        what, fix = (
            "SpamAssassin is not installed: no score",
            "install it; on Debian: sudo apt-get install spamassassin",
        )
        yield Problem(proof.issue.path, what, fix, "note")
        return
    message = sample_message(proof.issue, proof.rendered, proof.newsletter)
    try:
        report = spamassassin.score(message, program)
    except spamassassin.Failed as failure:
        yield Problem(proof.issue.path, f"SpamAssassin {failure}: no score", "try it again", "warning")
        return
    severity: Severity = "note"
    fix = "change nothing; mail servers also rate the sender, who is unknown here"
    if report.score >= WARNING_SCORE:
        severity = "error" if report.score >= report.required else "warning"
        fix = "change the content that matches the rules with the most points"
    what = (
        f"SpamAssassin gives {report.score + 0:.1f} points to the mail; {report.required:g} or more are spam"
    )
    rules = sorted(report.rules, key=lambda rule: -rule.points)
    table = tuple(f"{rule.points + 0:5.1f}  {rule.name}: {rule.description}"[:110] for rule in rules)
    yield Problem(proof.issue.path, what, fix, severity, details=table)
