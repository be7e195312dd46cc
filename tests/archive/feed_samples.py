"""A newsletter and issues for the tests of feeds."""

import datetime as dt
from dataclasses import replace

from newsletter.archive.model import Channel, FeedEntry

CHANNEL = Channel(
    name="Example Papers",
    description="Five papers each Monday.",
    language="en",
    direction="ltr",
    url="https://papers.example.com",
    domain="example.com",
    author="The editors of Example Papers",
)
ARTICLE = (
    '<section class="lead" id="top"><h2 id="maps">Maps &amp; territories</h2>\n'
    '<p>Is 1 &lt; 2?<sup><a href="#fn1" class="note" role="doc-noteref">1</a></sup> '
    '<a href="/2026-04-20/">Last week</a> we asked <em>why</em>.</p>\n'
    '<figure style="width:50%"><img src="../pictures/map.png" alt="A &quot;map&quot;" loading="lazy">'
    "<figcaption>The map</figcaption></figure></section>\n"
    '<aside><ol><li id="fn1">A note <a href="#fnref1">↩</a></li></ol></aside>'
)
ISSUE = FeedEntry(
    name="2026-04-27",
    date=dt.date(2026, 4, 27),
    updated=dt.date(2026, 4, 27),
    title="Maps & territories",
    summary="Is 1 < 2? And other questions.",
    html=ARTICLE,
    text="MAPS & TERRITORIES\n\nIs 1 < 2?\n",
    image="https://papers.example.com/2026-04-27/card.png",
)


def issue(number: int, *, updated: dt.date | None = None) -> FeedEntry:
    """Return an issue, `number` weeks after the first one."""
    date = ISSUE.date + dt.timedelta(weeks=number)
    title = f"{ISSUE.title}, part {number}"
    return replace(ISSUE, name=date.isoformat(), date=date, updated=updated or date, title=title)
