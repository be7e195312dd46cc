"""Give git the token of a GitHub workflow, for the server of GitHub and for no other."""

import base64
from collections.abc import Mapping
from urllib.parse import SplitResult

from newsletter.network.hosts import is_loopback
from newsletter.state.remote_url import split_url


def token_settings(parts: SplitResult, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which git sends a workflow's token to GitHub's server, and nowhere else.

    The token is in the environment, because arguments and files can be read by others.
    """
    token, server = inherited.get("GITHUB_TOKEN", ""), split_url(inherited.get("GITHUB_SERVER_URL", ""))
    host = parts.netloc.rpartition("@")[2].lower()
    is_server = (parts.scheme, host) == (server.scheme, server.netloc.lower())
    if inherited.get("GITHUB_ACTIONS") != "true" or not token or not server.netloc or not is_server:
        return {}
    if server.scheme != "https" and not is_loopback(server.hostname or ""):
        return {}
    encoded = base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")
    key = f"http.{server.scheme}://{server.netloc}/.extraheader"
    # The empty value removes a header that a checkout has left.
    settings = [(key, ""), (key, f"Authorization: Basic {encoded}")]
    count = inherited.get("GIT_CONFIG_COUNT", "")
    start = int(count) if count.isascii() and count.isdigit() else 0
    variables = {"GIT_CONFIG_COUNT": str(start + len(settings))}
    for number, (name, value) in enumerate(settings, start):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables
