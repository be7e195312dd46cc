"""Tests of a mail in a light and a dark colour scheme, by its own rules."""

import pytest

from newsletter.preview.mail_views import in_scheme, without_links

DARK = "(prefers-color-scheme: dark)"
YES, NO = "(min-width: 0)", "(max-width: 0)"


@pytest.mark.parametrize(
    "query, light, dark",
    [
        (DARK, NO, YES),
        ("(PREFERS-COLOR-SCHEME:Light)", YES, NO),
        ("( prefers-color-scheme :dark )", NO, YES),
        ("(prefers-color-scheme)", YES, YES),
        (f"screen and {DARK}", f"screen and {NO}", f"screen and {YES}"),
        (f"not all and {DARK}, print", f"not all and {NO}, print", f"not all and {YES}, print"),
        ("(prefers-reduced-motion: reduce)",) * 3,
    ],
)
def test_what_a_mail_asks_of_the_machine_is_answered(query, light, dark):
    for scheme, answer in (("light", light), ("dark", dark)):
        assert (
            in_scheme(f"<style>@media {query} {{p{{}}}}</style>", scheme)
            == f"<style>@media {answer} {{p{{}}}}</style>"
        )
        assert in_scheme(f'<source media="{query}">', scheme) == f'<source media="{answer}">'


@pytest.mark.parametrize(
    "html, dark",
    [
        ("<style>:root{color-scheme: light dark}</style>", "<style>:root{color-scheme:dark}</style>"),
        ("<style>:root{color-scheme:light dark;supported-color-schemes:light dark}</style>", None),
        ("<style>:root{color-scheme:light}</style>", "<style>:root{color-scheme:light}</style>"),
        ('<meta name="color-scheme" content="light dark">', '<meta name="color-scheme" content="dark">'),
        (
            '<meta name="color-scheme" content="only light">',
            '<meta name="color-scheme" content="only light">',
        ),
        (
            "<p>(prefers-color-scheme: dark) is a media query</p>",
            "<p>(prefers-color-scheme: dark) is a media query</p>",
        ),
    ],
)
def test_the_schemes_it_says_it_is_made_for(html, dark):
    view = in_scheme(html, "dark")
    assert view == dark if dark else "color-scheme:dark;supported-color-schemes:light dark" in view


def test_no_connection_is_made_ahead_of_time():
    hints = """<link rel="preconnect" href="https://a.example"><LINK href='//b.example' REL='dns-prefetch' />
<link rel=prefetch href=https://c.example><link rel="icon preload" href="https://d.example">
<link title=">" rel=preconnect href=https://e.example><link/rel=pre&#99;onnect href=https://f.example>"""
    kept = '<p>rel="preconnect"</p><linked>'
    view = without_links(hints + kept)
    assert view.endswith(kept)
    assert "<link" not in view.lower().removesuffix(kept)
