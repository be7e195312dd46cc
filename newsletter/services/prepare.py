"""An issue made ready: rendered once, checked, and turned into a mailing."""

import logging
from dataclasses import dataclass

from newsletter.checks import runner
from newsletter.checks.proof import Proof
from newsletter.config.loader import Newsletter
from newsletter.display import counted
from newsletter.errors import Problem, SendRefused
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.mail import message
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """An issue, rendered once and checked."""

    issue: Issue
    rendered: Rendered
    mailing: message.Mailing
    problems: tuple[Problem, ...]

    def refuse_errors(self) -> None:
        """Raises SendRefused if any problem is an error."""
        if errors := sum(problem.severity == "error" for problem in self.problems):
            what = f"{self.issue.name} has {counted(errors, 'error')}; nothing was sent"
            raise SendRefused(what, "mend what is listed above")


def proof(newsletter: Newsletter, issue: Issue) -> Proof:
    """An issue rendered, and ready to be checked; raises TemplateError."""
    earlier = [path for path in files.issue_files(newsletter.issues) if path.stem < issue.name]
    return Proof(issue, render(issue, newsletter.site), newsletter, earlier)


def prepare(newsletter: Newsletter, issue: Issue) -> Prepared:
    """Renders and checks an issue; raises TemplateError and, for a check that there is not, ConfigError."""
    read = proof(newsletter, issue)
    mailing = message.mailing(issue, read.rendered, newsletter)
    problems = tuple(runner.run(read))
    fields = {"issue": issue.name, "content": mailing.sha256[:12], "findings": len(problems)}
    log.info("issue rendered and checked", extra=fields)
    return Prepared(issue, read.rendered, mailing, problems)
