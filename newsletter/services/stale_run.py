"""Find out whether a run of GitHub Actions has the newest files of the default branch.

A run that is started again, for up to 30 days, checks out the commit of its first time: it would send a text
that has been corrected since
(https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs).
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

from newsletter.config.loader import FILE, ISSUES, TEMPLATES, Newsletter, is_on_github
from newsletter.display import printable
from newsletter.state.default_branch import changed_paths, default_branch
from newsletter.state.git_remote import open_remote


def stale_reason(newsletter: Newsletter, environment: Mapping[str, str]) -> str:
    """Return the reason why this run must not send what is due; "" if it may, and outside GitHub Actions.

    Raise StateError or Unavailable if the repository cannot be asked: such a run must not send either.
    """
    if not is_on_github(environment):
        return ""
    remote = open_remote(newsletter.folder, inherited=environment)
    branch = default_branch(remote)
    run_of = environment.get("GITHUB_REF", "")
    if run_of != branch.ref:
        return f"this run is of {printable(run_of)}, and issues are sent from {printable(branch.ref)} only"
    folder = PurePosixPath(remote.repository.path_of(newsletter.folder))
    paths = [str(folder / name) for name in (ISSUES, TEMPLATES, FILE)]
    if changed := changed_paths(remote, branch, paths):
        return (
            f"{', '.join(map(printable, changed))} changed since the commit of this run; the run of commit "
            f"{branch.commit[:10]} sends what is due"
        )
    return ""
