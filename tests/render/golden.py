"""The golden files and the content that they must have."""

from pathlib import Path

from newsletter.constants import ServiceMailKind
from newsletter.issue import files
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render
from newsletter.render.service_mail import render_service_mail
from tests import newsletters
from tests.render import material

GOLDEN = material.REPOSITORY / "tests" / "golden"
# The mails about a subscription, each in another theme, direction and language.
_SERVICE_MAILS: dict[str, tuple[ServiceMailKind, str]] = {
    "service-confirm": ("confirm", "chinese"),
    "service-already": ("already", "essay"),
    "service-data": ("data", "hebrew"),
}
_MAILS = ("2026-04-20", "2026-04-27", *newsletters.NAMES, *_SERVICE_MAILS)
FILES = [GOLDEN / name / part for name in _MAILS for part in ("mail.html", "mail.txt")]


def content(file: Path) -> bytes:
    """Return the part that the file's name tells, of the mail that its folder's name tells."""
    mail = _mail(file.parent.name)
    return (mail.html if file.suffix == ".html" else mail.text).encode()


def _mail(name: str) -> Rendered:
    if name in newsletters.NAMES:
        return newsletters.proof_of(name).rendered
    if name in _SERVICE_MAILS:
        kind, newsletter = _SERVICE_MAILS[name]
        return render_service_mail(kind, newsletters.proof_of(newsletter).newsletter.site)
    issue = files.load(material.REPOSITORY / "issues" / f"{name}.yml")
    return render(issue, material.real_site())
