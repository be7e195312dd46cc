"""The fields of log records about a send: numbers, ids and reasons, never a person's address or name."""

from newsletter.sending.model import ChunkResult, ClaimedChunk, HeldBatch, Send
from newsletter.sending.outcomes import Accepted, NotSent, Outcome

Fields = dict[str, object]


def of_send(send: Send) -> Fields:
    """Return the fields that identify a send."""
    return {"send": send.id, "issue": send.issue}


def of_chunk(chunk: ClaimedChunk) -> Fields:
    """Return the fields that identify an attempt of a chunk."""
    return {"send": chunk.send_id, "chunk": f"{chunk.first}-{chunk.last}", "attempt_id": chunk.attempt}


def of_batch(batch: HeldBatch) -> Fields:
    """Return the fields that identify a held batch; `provider_id` is the provider's id of it."""
    return {"send": batch.send_id, "batch": batch.number, "provider_id": batch.batch_id}


def of_outcome(outcome: Outcome) -> Fields:
    """Return the fields of an outcome; `provider_id` is the provider's id of accepted mail, if any."""
    if isinstance(outcome, Accepted):
        return {"outcome": outcome.state, "provider_id": outcome.message_id or None}
    wait = outcome.wait if isinstance(outcome, NotSent) else None
    return {"outcome": outcome.state, "reason": outcome.reason or None, "wait": wait}


def of_result(result: ChunkResult) -> Fields:
    """Return the fields of an attempt's result: the call's outcome, and the number of recipients by state.

    If the call's outcome is Accepted but some recipients were not accepted, `reason` is that of the first.
    """
    states = result.by_state()
    told = of_outcome(result.outcome)
    if isinstance(result.outcome, Accepted) and set(states) != {"accepted"}:
        reasons = (transition.reason for transition in result.transitions if transition.state != "accepted")
        told |= {"outcome": "mixed" if len(states) > 1 else next(iter(states)), "reason": next(reasons, None)}
    return of_chunk(result.claimed) | told | states
