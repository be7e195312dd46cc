"""Write the workflows that review, send, cancel and publish the issues of a newsletter on GitHub."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from newsletter.constants import PROVIDER_HOSTS, PROVIDER_KEYS, ProviderName
from newsletter.starter.github_names import ActionSource
from newsletter.starter.texts import starter_text

FOLDER = PurePosixPath(".github/workflows")
_NAMES, _PAGES = ("send", "review", "cancel"), "pages"
_SAME_REPOSITORY = "$"
# The inputs of an action stand so deep in a workflow.
_LINE = "\n          "
_STATE_KEY = "NEWS_STATE_KEY"
_NO_FORK = "!github.event.repository.fork"
# The daily run, and a run by hand, send also if the archive could not be published.
_AFTER_PAGES = "!cancelled() && (needs.pages.result == 'success' || github.event_name != 'push')"


@dataclass(frozen=True)
class WorkflowOptions:
    """The values in the workflows.

    `source` is None in the repository of news itself. `repository` is the `OWNER/NAME` whose runs send; "" is
    each repository that is no fork. `folder` is that of the newsletter from the top of the repository; `.` is
    the top. `provider` is one that sends; `has_own_host` says that its key is for another host than the
    provider's own. `pages` publishes the archive on GitHub Pages, before each send too.
    """

    source: ActionSource | None
    repository: str
    branch: str
    folder: str = "."
    provider: ProviderName = "sendgrid"
    has_own_host: bool = False
    pages: bool = False


def state_key_secret(folder: str) -> str:
    """Return the name of the secret with the state key: newsletters in one repository have a key each."""
    return _STATE_KEY if folder == "." else f"{_STATE_KEY}_{re.sub('[^A-Z0-9]', '_', folder.upper())}"


def workflows(options: WorkflowOptions) -> Mapping[PurePosixPath, str]:
    """Return the text of each workflow by its path from the top of the repository."""
    values = _values(options)
    if options.pages:
        values |= {
            "pages_job": starter_text("workflows/send-pages.yml", values).rstrip(),
            "needs": "needs: pages",
            "send_condition": f">-\n      ${{{{ {_AFTER_PAGES}\n      && {_condition(options)} }}}}",
        }
    names = (*_NAMES, _PAGES) if options.pages else _NAMES
    return {
        FOLDER / f"{name}{values['id']}.yml": starter_text(f"workflows/{name}.yml", values) for name in names
    }


def _values(options: WorkflowOptions) -> dict[str, str]:
    """Return the values in the texts of the workflows, as they are without the archive."""
    source, is_top = options.source, options.folder == "."
    expression = _condition(options)
    # In YAML, a value that begins with `!` is a tag.
    condition = expression if options.repository else f"${{{{ {expression} }}}}"
    return {
        "suffix": "" if is_top else f" ({options.folder})",
        "id": "" if is_top else f"-{options.folder.replace('/', '--')}",
        "prefix": "" if is_top else f"{options.folder}/",
        "folder": "" if is_top else f'folder: "{options.folder}"',
        "with_folder": "" if is_top else f'with: {{folder: "{options.folder}"}}',
        "branch": options.branch,
        "condition": condition,
        "send_condition": condition,
        "pages_job": "",
        "needs": "",
        "renamed": " If the repository gets another name, write it here." if options.repository else "",
        "actions": f"{source.repository if source else _SAME_REPOSITORY}/.github/actions",
        "commit": f"@{source.commit}" if source else "",
        "state_key": state_key_secret(options.folder),
        "provider_key": _LINE.join(_input(name, "secrets") for name in PROVIDER_KEYS[options.provider]),
        "provider_host": _input(PROVIDER_HOSTS[options.provider], "vars") if options.has_own_host else "",
    }


def _input(variable: str, context: str) -> str:
    """Return the line that gives a variable to the action, whose inputs are named after the variables."""
    return f"{variable.lower().replace('_', '-')}: ${{{{ {context}.{variable} }}}}"


def _condition(options: WorkflowOptions) -> str:
    """Return the expression that is true in the repository that may send."""
    return f"github.repository == '{options.repository}'" if options.repository else _NO_FORK
