"""Addresses on GitHub of the run that makes a review, from the variables of its runner."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# https://docs.github.com/actions/reference/workflows-and-actions/variables
_SERVER = re.compile(r"https?://[\w.-]+(?::\d+)?")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True)
class GithubRun:
    """The repository, commit and run; each address is None if the variables do not tell it."""

    repository: str = ""
    sha: str = ""
    run_id: str = ""

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "GithubRun":
        """Return the run that the variables of a runner describe; a variable that is not valid is ignored."""
        server, repository = (variables.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY"))
        if not (_SERVER.fullmatch(server) and _REPOSITORY.fullmatch(repository)):
            return cls()
        sha, run_id = (variables.get(f"GITHUB_{name}", "") for name in ("SHA", "RUN_ID"))
        return cls(
            f"{server}/{repository}",
            sha if _COMMIT.fullmatch(sha) else "",
            run_id if run_id.isascii() and run_id.isdecimal() else "",
        )

    @property
    def run(self) -> str | None:
        """Return the address of this run."""
        return f"{self.repository}/actions/runs/{self.run_id}" if self.repository and self.run_id else None

    def commit(self, sha: str) -> str | None:
        """Return the address of a commit."""
        return f"{self.repository}/commit/{sha}" if self.repository and _COMMIT.fullmatch(sha) else None

    def line(self, path: Path, line: int | None) -> str | None:
        """Return the address of a line of a file at this commit; the path starts at the repository's top."""
        if not (self.repository and self.sha):
            return None
        # GitHub shows a Markdown file as a page, whose lines have no anchors; the text has them.
        plain = "?plain=1" if path.suffix == ".md" else ""
        anchor = f"{plain}#L{line}" if line else ""
        return f"{self.repository}/blob/{self.sha}/{quote(path.as_posix())}{anchor}"
