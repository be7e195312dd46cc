"""Write the workflows that review, send and cancel the issues of a newsletter on GitHub."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from newsletter.starter.action_source import ActionSource
from newsletter.starter.templates import fill

FOLDER = PurePosixPath(".github/workflows")
NAMES = ("send", "review", "cancel")
_SENDGRID = "sendgrid-api-key: ${{ secrets.SENDGRID_API_KEY }}"
_SENDGRID_HOST = "sendgrid-host: ${{ vars.SENDGRID_HOST }}"
_SMTP = ("smtp-password: ${{ secrets.SMTP_PASSWORD }}", "smtp-host: ${{ vars.SMTP_HOST }}")
_SAME_REPOSITORY = "$"


@dataclass(frozen=True)
class WorkflowOptions:
    """The values in the workflows.

    `source` is None in the repository of news itself. `condition` is an expression of GitHub, under which a
    run sends. `folder` is that of the newsletter from the top of the repository; `.` is the top. `provider`
    is `sendgrid` or `smtp`, and `own_host` says that a SendGrid key is for another host than SendGrid's.
    """

    source: ActionSource | None
    condition: str
    branch: str
    folder: str = "."
    provider: str = "sendgrid"
    own_host: bool = False


def workflows(options: WorkflowOptions) -> Mapping[PurePosixPath, str]:
    """Return the text of each workflow by its path from the top of the repository."""
    is_top = options.folder == "."
    short = options.folder.replace("/", "-")
    source = options.source
    values = {
        "suffix": "" if is_top else f" ({options.folder})",
        "id": "" if is_top else f"-{short}",
        "prefix": "" if is_top else f"{options.folder}/",
        "folder": "" if is_top else f"folder: {options.folder}",
        "with_folder": "" if is_top else f"with: {{folder: {options.folder}}}",
        "branch": options.branch,
        "condition": options.condition,
        "actions": f"{source.repository if source else _SAME_REPOSITORY}/.github/actions",
        "commit": f"@{source.commit}" if source else "",
        "provider": "\n          ".join(_provider_inputs(options)),
    }
    return {FOLDER / f"{name}{values['id']}.yml": fill(f"workflows/{name}.yml", values) for name in NAMES}


def _provider_inputs(options: WorkflowOptions) -> tuple[str, ...]:
    if options.provider == "smtp":
        return _SMTP
    return (_SENDGRID, _SENDGRID_HOST) if options.own_host else (_SENDGRID,)
