"""Scripts that measure a mail in a browser: contrast, overflow, link heights and backgrounds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, Route

# Each visible text with too little contrast (WCAG 2.2, 1.4.3) to the backgrounds behind it.
LOW_CONTRAST = """() => {
  const rgba = css => { const n = css.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n }
  const over = ([r, g, b, a], under) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a)).concat(1)
  const luminance = colour => colour.slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
  const canvas = matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1]
  const behind = element => element
    ? over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement)) : canvas
  const low = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  let seen = 0
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), element = walker.currentNode.parentElement
    const style = getComputedStyle(element)
    if (!text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue
    const background = behind(element)
    const pair = [luminance(over(rgba(style.color), background)), luminance(background)].sort((a, b) => b - a)
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05), size = parseFloat(style.fontSize)
    const enough = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5
    seen += 1
    if (ratio < enough) low.push(`${ratio.toFixed(2)}: ${text.slice(0, 40)}`)
  }
  return seen ? low : ['there is no text']
}"""

# The pixels by which the page is wider than the window, and the elements that are wider.
OVERFLOW = """() => {
  const root = document.documentElement, wide = root.scrollWidth - root.clientWidth
  return [...document.querySelectorAll('body *')]
    .filter(e => wide > 0 && e.getBoundingClientRect().right > root.clientWidth)
    .map(e => `${wide} px: <${e.localName} class="${e.className}">`)
}"""

# The links that are touch targets on a phone and are too low, with their heights.
SMALL_TARGETS = """least => [...document.querySelectorAll('.toc a, .btn a, .more a, .foot a')]
  .map(a => [a.getBoundingClientRect().height, a.textContent])
  .filter(([height]) => height < least).map(([height, text]) => `${height} px: ${text}`)"""

BACKGROUNDS = """() => ['body', '.card', '.card > table', '.pill']
  .map(it => getComputedStyle(document.querySelector(it)).backgroundColor)"""

PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="1600" height="900"><rect width="99" height="99"/></svg>'
)


@contextmanager
def opened(
    browser: Browser, mail: str, *, width: int = 720, dark: bool = False
) -> Iterator[tuple[Page, Any]]:
    """Yield a page with the mail and the list of addresses that it requests; nothing leaves the machine."""
    requests: list[str] = []

    def fulfill(route: Route) -> None:
        requests.append(route.request.url)
        route.fulfill(body=PICTURE, content_type="image/svg+xml")

    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    try:
        context.route("**/*", fulfill)
        page = context.new_page()
        page.set_content(mail, wait_until="load")
        yield page, requests
    finally:
        context.close()
