"""Open sessions of `requests` for public hosts: no password, no cookie, and a User-Agent of our own."""

from http.cookiejar import DefaultCookiePolicy

import requests

from newsletter.network.connections import IsPublic
from newsletter.network.public_adapter import PublicAdapter


def public_session(user_agent: str, is_public: IsPublic) -> requests.Session:
    """Return a session that connects to hosts that `is_public` accepts; it raises NotPublic for others."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, PublicAdapter(is_public))
    session.headers["User-Agent"] = user_agent
    # Without this, `requests` would send passwords from a .netrc file.
    session.auth = lambda request: request
    # One address tells another nothing: no cookie is kept.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def failure_text(failure: Exception, seconds: float) -> str:
    """Return the reason for a missing response within `seconds`, as a clause such as "no connection"."""
    match failure:
        case requests.exceptions.SSLError():
            return "its certificate is not valid"
        case requests.Timeout():
            return f"no response within {seconds:.0f} seconds"
        case requests.exceptions.ProxyError():
            return "the proxy cannot reach it"
        case requests.ConnectionError():
            return "no connection"
        case ValueError() if failure.args:
            return str(failure)[:100]
    return "the response cannot be read"
