"""An issue made ready: loaded, rendered once, checked, and turned into a mailing."""

from dataclasses import dataclass
from pathlib import Path

from newsletter import checks, issues, message
from newsletter.config import Newsletter
from newsletter.errors import Problem, SendRefused
from newsletter.models import Issue, Rendered
from newsletter.render import render


@dataclass(frozen=True)
class Prepared:
    """An issue, loaded, rendered once and checked."""

    issue: Issue
    rendered: Rendered
    mailing: message.Mailing
    problems: tuple[Problem, ...]

    def refuse_errors(self) -> None:
        """Raises SendRefused if any problem is an error."""
        if errors := sum(problem.severity == "error" for problem in self.problems):
            what = f"{self.issue.name} has {errors} error{'s' if errors > 1 else ''}; nothing was sent"
            raise SendRefused(what, "mend what is listed above")


def prepare(newsletter: Newsletter, path: Path) -> Prepared:
    """Loads, renders and checks an issue; raises IssueError or TemplateError."""
    issue = issues.load(path)
    rendered = render(issue, newsletter.site)
    findings = checks.run(issue, rendered, newsletter.config.checks)
    mailing = message.mailing(issue, rendered, newsletter)
    return Prepared(issue, rendered, mailing, tuple(finding.problem for finding in findings))
