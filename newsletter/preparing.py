"""An issue made ready: rendered once, checked, and turned into a mailing."""

from dataclasses import dataclass

from newsletter import checks, message
from newsletter.config import Newsletter
from newsletter.errors import Problem, SendRefused
from newsletter.models import Issue, Rendered
from newsletter.render import render


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
            what = f"{self.issue.name} has {errors} error{'s' if errors > 1 else ''}; nothing was sent"
            raise SendRefused(what, "mend what is listed above")


def prepare(newsletter: Newsletter, issue: Issue) -> Prepared:
    """Renders and checks an issue; raises TemplateError."""
    rendered = render(issue, newsletter.site)
    findings = checks.run(issue, rendered, newsletter.config.checks)
    mailing = message.mailing(issue, rendered, newsletter)
    return Prepared(issue, rendered, mailing, tuple(finding.problem for finding in findings))
