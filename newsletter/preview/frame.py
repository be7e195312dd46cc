"""The choices in a request for the frame of a mail or a page, and the policy of what the frame shows."""

from starlette.requests import Request

from newsletter.preview.mail_views import Scheme

_POLICY = (
    "default-src 'none'; style-src {styles}; img-src {images}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)


def scheme(request: Request) -> Scheme:
    """Return the colour scheme that a request asks for."""
    return "dark" if request.query_params.get("scheme") == "dark" else "light"


def image_sources(request: Request) -> str:
    """Return the sources of pictures: those of the web only if the request asks for them."""
    return "https: http: data:" if request.query_params.get("pictures") == "on" else "data:"


def policy(images: str, styles: str = "'unsafe-inline'") -> str:
    """Return the Content-Security-Policy of a frame: no script, no form, and nothing from other sources."""
    return _POLICY.format(images=images, styles=styles)
