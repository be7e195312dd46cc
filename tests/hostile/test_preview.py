"""Tests of the preview against other sites, and against mail that attacks the page that shows it."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from newsletter.preview import mail_views
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace
from tests import samples
from tests.preview.client import ask
from tests.preview.conftest import Letter, Recorder, Served, letter, page, preview, recorder

__all__ = ["letter", "page", "preview", "recorder"]  # fixtures

PATHS = ("/", "/page.js", "/events", "/mail.html", "/mail.txt", "/mail.eml", "/source", "/headers", "/links")
PATHS += ("/issues", "/place?part=0", "/archive", "/archive.html", "/archive.css", "/archive.txt")
ACTIONS = ("/links", "/test", "/issues")
PRIVATE = ("/subscribers", "/outbox", "/outbox/a.eml", "/outbox/a.eml/mail.html", "/nothing")


@pytest.fixture
def web(tmp_path: Path) -> Any:
    return app(Workspace(samples.write(tmp_path)))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "unheard-of", ""])
def test_another_site_opens_and_embeds_nothing(web: Any, site: str) -> None:
    requests = [*(("GET", path) for path in PATHS + PRIVATE), *(("POST", path) for path in ACTIONS)]
    for mode in ("navigate", "no-cors", "cors"):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Origin": "http://127.0.0.1"}
        for response in ask(web, *requests, **headers):
            assert response.status_code == 403
            assert "Leek" not in response.text


def test_a_typed_address_and_a_client_without_the_header_pass(web: Any) -> None:
    paths = [("GET", path) for path in ("/", "/page.js", "/mail.html", "/outbox")]
    for headers in ({}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}):
        assert [response.status_code for response in ask(web, *paths, **headers)] == [200] * len(paths)
    typed = ask(web, ("POST", "/links"), **{"Sec-Fetch-Site": "none", "Origin": "http://127.0.0.1"})
    assert typed[0].status_code == 403


def test_every_response_is_locked(web: Any) -> None:
    paths = [path for path in PATHS + PRIVATE if path != "/events"]
    for path, response in zip(paths, ask(web, *(("GET", path) for path in paths)), strict=True):
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; "), path
        own = "'self'" if path in ("/mail.html", "/archive.html") else "'none'"
        assert f"frame-ancestors {own}" in policy, path
        assert response.headers["x-dns-prefetch-control"] == "off"
        assert response.headers["cross-origin-resource-policy"] == "same-origin"
    (refused,) = ask(web, ("GET", "/"), **{"Sec-Fetch-Site": "cross-site"})
    assert refused.headers["x-dns-prefetch-control"] == "off"


# A Content-Security-Policy stops no connection that such an element asks for; the tests' browser makes none.
@pytest.mark.parametrize(
    "link",
    [
        '<link rel="preconnect" href="https://a.example">',
        '<link title=">" rel="preconnect" href="https://a.example">',
        '<link rel="preconn&#101;ct" href="https://a.example">',
        "<LINK/rel=preconnect/href=https://a.example>",
        "<link\nrel=dns-prefetch href=//a.example>",
        '<style><!--</style><link rel="preconnect" href="https://a.example" x="-->">',
        "<link rel=preconnect href=https://a.example",
    ],
)
def test_a_mail_asks_for_no_connection(link: str) -> None:
    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attributes: object) -> None:
            assert tag != "link"

    Links().feed(mail_views.without_links(f"<head>{link}</head><p>{link}"))


# The names of every property that a script could read from a document, an element, a form or a window.
_ALL_NAMES = """() => [...new Set([
  ...[Document, HTMLDocument, HTMLFormElement, HTMLElement, Element, Node, EventTarget]
    .flatMap((type) => Object.getOwnPropertyNames(type.prototype)),
  ...Object.getOwnPropertyNames(window), "__proto__", "length", "0",
])]"""

# Attempts to leave the frame, to run a script, and to load something; `{url}` is a server that records them.
ATTACKS = """
<base href="{url}base/"><base target="_top">
<meta http-equiv="refresh" content="0; url={url}refresh">
<meta http-equiv="refresh" content="0; url=javascript:top.document.title='run'">
<meta http-equiv="Content-Security-Policy" content="default-src *">
<meta http-equiv="x-dns-prefetch-control" content="on">
<link rel="preload" as="image" href="{url}preload"><link rel=prefetch href="{url}prefetch">
<link rel="stylesheet" href="{url}css"><link rel="icon" href="{url}icon">
<link rel="modulepreload" href="{url}module"><link rel="prerender" href="{url}prerender">
<style>@import "{url}import"; @font-face {{ font-family: x; src: url({url}font) }}
  body {{ background: url({url}background); font-family: x }}</style>
<script>top.document.title = "run"</script><script src="{url}script"></script>
<img alt="" src="x:" onerror="top.document.title='run'"><img alt="" src="{url}img" srcset="{url}srcset 2x">
<body background="{url}body" onload="top.document.title='run'">
<svg onload="top.document.title='run'"><image href="{url}svg"/><use href="{url}use#x"/>
  <script>top.document.title='run'</script>
  <a xlink:href="javascript:top.document.title='run'"><text y="20" id="svg-link">svg-link</text></a>
  <set attributeName="href" to="javascript:top.document.title='run'"/></svg>
<iframe src="{url}iframe"></iframe><iframe srcdoc="<script>top.document.title='run'</script>"></iframe>
<iframe src="javascript:top.document.title='run'"></iframe>
<object data="{url}object"></object><embed src="{url}embed"><img alt="" attributionsrc="{url}attribution">
<video autoplay src="{url}video" poster="{url}poster"></video><audio autoplay src="{url}audio"></audio>
<input type="image" src="{url}input"><frameset></frameset>
<form action="{url}form" target="_top"><button id="submit">submit</button></form>
<form action="javascript:top.document.title='run'"><button id="submit-script">submit-script</button></form>
<a id="script" href="javascript:top.document.title='run'" ping="{url}ping">script</a>
<a id="data" href="data:text/html,<script>opener.document.title='run'</script>">data</a>
<details open ontoggle="top.document.title='run'"><summary>x</summary></details>
<template shadowrootmode="open"><img src="{url}shadow"></template>
"""
CLICKS = ("#submit", "#submit-script", "#script", "#data", "#svg-link")


def clobbering(names: list[str]) -> str:
    """Return elements that hide all these properties of their document, and of two forms."""
    named = "".join(f'<img alt="" name="{name}" id="{name}"/><form name="{name}"></form>' for name in names)
    inputs = "".join(f'<input name="{name}"/><input id="{name}"/>' for name in names)
    return f'{named}<form id="form" tabindex="0" bgcolor="red"><p>form</p>{inputs}</form>'


def put_into_outbox(folder: Path, *mails: str) -> None:
    new = folder / "outbox" / "new"
    new.mkdir(parents=True)
    for number, html in enumerate(mails):
        head = f"To: {number}@example.com\nSubject: <img src=x name=links>\nContent-Type: text/html\n\n"
        (new / f"{number}.eml").write_text(head + html)


# Elements of a clobbered mail are looked up here, because playwright would read the hidden properties.
_FIND = """([frames, selector]) => Document.prototype.querySelector.call(
  document.querySelector(`${frames} iframe:not(.loading)`)?.contentDocument ?? document, selector)"""
_COLOUR = f"""() => getComputedStyle(({_FIND})(["#frames", "body"])).backgroundColor"""
_TARGET = f"""(where) => ({_FIND})(where)?.getAttribute("target") === "_blank" """
_PRESS = f"""([where, key]) => EventTarget.prototype.dispatchEvent.call(
  ({_FIND})(where), new KeyboardEvent("keydown", {{ key, bubbles: true }}))"""
_CLICK = f"""(where) => EventTarget.prototype.dispatchEvent.call(
  ({_FIND})(where), new MouseEvent("click", {{ bubbles: true, cancelable: true }}))"""
_HAS_BGCOLOR = f"""(where) => Element.prototype.hasAttribute.call(({_FIND})(where), "bgcolor")"""
USED = (
    "links URL readyState documentElement body defaultView getElementsByTagName addEventListener style"
    " dataset querySelectorAll querySelector hasAttribute removeAttribute closest namespaceURI nodeType"
    " animate getClientRects checkVisibility scrollIntoView attributes childNodes"
)


def test_hostile_mail_in_the_browser(
    letter: Letter, preview: Callable[..., Served], browser: Browser, recorder: Recorder
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda said: mistakes.append(said.text) if said.type == "warning" else None)
    names = page.evaluate(_ALL_NAMES)
    assert len(names) > 1000 and {"links", "querySelectorAll", "style", "scrollX"} <= set(names)
    letter.save("templates/footer.mjml.j2", f"<mj-raw>{clobbering(USED.split())}</mj-raw>")
    letter.edit("Cook slowly", "Cook the the slowly")
    clobbered = clobbering(names) + '<a id="out" href="https://example.com/">out</a>'
    put_into_outbox(letter.folder, ATTACKS.format(url=recorder.url), clobbered)
    page.goto(preview().url)
    expect(page.locator("#problems .go").first).to_be_visible()
    for scheme in ("inverted", "outlook"):
        before = page.evaluate(_COLOUR)
        page.locator("#scheme").select_option(scheme)
        page.wait_for_function(f"before => ({_COLOUR})() !== before", arg=before)
    form = ["#frames", "form[tabindex]"]
    assert page.evaluate(_HAS_BGCOLOR, form) is False
    page.locator("#problems .go", has_text="the the").click()
    page.evaluate(_PRESS, [form, "o"])
    page.locator("#messages button", has_text="1@example.com").click()
    page.wait_for_function(_TARGET, arg=["#message", "#out"])
    page.locator("#messages button", has_text="0@example.com").click()
    page.wait_for_function(_TARGET, arg=["#message", "#data"])
    url, message = page.url, page.frame_locator("#message iframe")
    for click in CLICKS:
        message.locator(click).dispatch_event("click")
    page.wait_for_timeout(300)
    assert page.title() == "Soup for all" and page.url == url
    assert all(other.title() != "run" for other in context.pages)
    expect(message.locator("#data")).to_be_attached()
    assert recorder.requested == []
    context.close()
    assert [mistake for mistake in mistakes if "Content Security Policy" not in mistake] == []


def test_a_hostile_page_of_the_archive_in_the_browser(
    letter: Letter, preview: Callable[..., Served], page: Page, recorder: Recorder
) -> None:
    attacks = ATTACKS.format(url=recorder.url) + clobbering(USED.split())
    attacks += f"<style>@import '{recorder.url}own'</style><a id='far' href='/outbox'>far</a>"
    red = "body { background: #ff0000 !important }"
    letter.save("templates/archive/article.html.j2", f"{{% raw %}}{attacks}{{% endraw %}}Cook slowly")
    letter.save(
        "templates/archive/style.css.j2",
        f"@import '{recorder.url}sheet'; {red}",
    )
    # A page without a policy of its own.
    letter.save(
        "templates/archive/layout.html.j2",
        "<!DOCTYPE html><html><head><link rel='stylesheet' href='../style.css'>"
        f"<link rel='stylesheet' href='{recorder.url}theirs'></head>"
        "{% block main %}{% endblock %}</html>",
    )
    page.goto(f"{preview().url}?view=page")
    page.wait_for_function(_TARGET, arg=["#frames", "#data"])
    url = page.url
    page.wait_for_function(f'() => ({_COLOUR})() === "rgb(255, 0, 0)"')  # of the style sheet of the archive
    for click in (*CLICKS, "#far"):
        page.evaluate(_CLICK, ["#frames", click])
    page.wait_for_timeout(300)
    page.evaluate(_PRESS, [["#frames", "form[tabindex]"], "w"])
    expect(page.locator("#window-size")).to_have_text("375 pixels wide")
    assert page.title() == "Soup for all" and page.url.startswith(url)
    assert all(other.title() != "run" for other in page.context.pages)
    assert recorder.requested == []
