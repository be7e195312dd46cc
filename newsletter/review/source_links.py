"""Link files of the newsletter and their lines to the commit that a run on GitHub reviews."""

import os
from dataclasses import dataclass
from pathlib import Path

from newsletter.errors import Problem
from newsletter.review.github_run import GithubRun
from newsletter.review.markdown import escape, link


@dataclass(frozen=True)
class SourceLinks:
    """Links to files; `top` is the top of the work tree, None without a repository."""

    run: GithubRun
    top: Path | None

    def place(self, where: str, known: str = "") -> str:
        """Return `file:line` as a link; its label is the line alone if the file is the `known` one."""
        file, line = Problem(where, "").place
        label = f"line&nbsp;{line}" if line and file == known else escape(where)
        return link(label, self._url(Path(os.path.abspath(file)), line) if file else None)

    def line(self, where: str) -> str:
        """Return `file:line` as a link whose label is the line alone."""
        return self.place(where, Problem(where, "").place[0])

    def file(self, path: Path) -> str:
        """Return an absolute path as a link, relative to the top of the work tree."""
        shown = path.relative_to(self.top) if self.top and path.is_relative_to(self.top) else path
        return link(escape(shown.as_posix()), self._url(path, None))

    def commit(self, sha: str) -> str:
        """Return the start of a commit's hash as a link."""
        return link(f"`{sha[:7]}`", self.run.commit(sha))

    def _url(self, path: Path, line: int | None) -> str | None:
        if self.top is None or not path.is_relative_to(self.top):
            return None
        return self.run.line(path.relative_to(self.top), line)
