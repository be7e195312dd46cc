"""Make one HTML file of a mail that a reviewer opens in a browser: no script in it can run."""

import re
from html import escape

from newsletter.preview.mail_views import without_links

# What the mail itself may load are pictures, as in a mail program; a frame inherits this policy.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; font-src https: data:; "
    "base-uri 'none'; form-action 'none'"
)
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
html, body {{ margin: 0; height: 100%; }}
iframe {{ display: block; width: 100%; height: 100%; border: 0; }}
</style>
</head>
<body>
<iframe title="{title}" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"
 srcdoc="{mail}"></iframe>
</body>
</html>
"""
_HEAD = re.compile(r"<head\b[^<>]*>", re.IGNORECASE)
# A link opens a tab of its own: in the frame, most sites refuse to be shown.
_NEW_TAB = '<base target="_blank">'


def mail_page(html: str, title: str) -> str:
    """Return a page that shows the HTML of a mail in a frame without scripts, forms and plug-ins."""
    html = _HEAD.sub(lambda head: head[0] + _NEW_TAB, without_links(html), count=1)
    return _PAGE.format(policy=escape(_POLICY), title=escape(title), mail=escape(html))
