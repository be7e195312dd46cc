"""Test that the chunks of a send keep the provider's limit of bytes in a call."""

from dataclasses import dataclass, replace

import pytest

from newsletter.config.units import Rate, parse_rates
from newsletter.mail.message import Mailing
from newsletter.providers.postmark import payload as postmark_payload
from newsletter.providers.resend import payload as resend_payload
from newsletter.sending.model import StartSettings
from newsletter.sending.outcomes import Capabilities
from newsletter.sending.start import PERSONAL_BYTES, claim_send
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes.ledger import MemoryLedger
from tests.fakes.provider import FakeClock, FakeProvider
from tests.samples import NO_TRACKING


@dataclass
class BatchProvider(FakeProvider):
    limit: int | None = None

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(500, leaves_machine=True, tracking=NO_TRACKING, bytes_per_call=self.limit)


def chunk_sizes(mailing: Mailing, limit: int | None, rates: list[Rate] | None = None) -> list[int]:
    clock = FakeClock()
    ledger = MemoryLedger(1200, clock.now, lambda step: None)
    claim_send(mailing, ledger, BatchProvider(clock, limit=limit), StartSettings(rates=rates or ()))
    return [chunk.last - chunk.first + 1 for chunk in ledger.chunks.values()]


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [
        (None, [500, 500, 200]),
        (1_000_000_000, [500, 500, 200]),
        (400 * (40_000 + PERSONAL_BYTES + 100), [400, 400, 400]),
        (1, [1] * 1200),
    ],
)
def test_a_chunk_has_no_more_recipients_than_fit_into_a_call(limit: int | None, sizes: list[int]) -> None:
    mailing = samples.plain_mailing()
    html = f"<html><body>{'x' * 40_000}</body></html>"
    mailing = replace(mailing, rendered=replace(mailing.rendered, html=html))
    planned = chunk_sizes(mailing, limit)
    assert max(planned) <= sizes[0] and sum(planned) == 1200
    assert max(planned) >= sizes[0] * 0.97


@pytest.mark.parametrize("text", ["x" * 10_000, "🥣" * 10_000, "щ" * 10_000, '"\\\n' * 10_000], ids=len)
def test_requests_of_whole_mails_keep_the_bound(text: str) -> None:
    mailing, limit = samples.plain_mailing(), 1_000_000
    mailing = replace(mailing, rendered=replace(mailing.rendered, text=text, html=text))
    size = max(chunk_sizes(mailing, limit))
    people = [Subscriber(n, f"reader{n}@example.com", "Émil " * 30) for n in range(1, size + 1)]
    batch = samples.batch(mailing, *people)
    resend = resend_payload.BodyTemplate(mailing).fill(batch)
    postmark = postmark_payload.MessageTemplate(mailing, "broadcast").fill(batch.recipients)
    for body in (b"".join(resend), b"".join(postmark)):
        assert limit / 2 < len(body) <= limit


def test_a_rate_makes_smaller_chunks_still() -> None:
    assert max(chunk_sizes(samples.plain_mailing(), 1_000_000_000, parse_rates("20/s"))) == 20
