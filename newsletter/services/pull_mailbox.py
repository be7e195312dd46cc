"""Read the mailbox to which people write to unsubscribe."""

from collections.abc import Iterator, Sequence

from newsletter.mail.incoming_mail import IncomingMail, read_mail
from newsletter.mail.unsubscribe_tokens import TEST, UnsubscribeTokens
from newsletter.mailboxes.imap import ImapFolder, open_folder
from newsletter.mailboxes.imap_account import ImapAccount
from newsletter.mailboxes.imap_connection import ImapLimits
from newsletter.mailboxes.model import FoundMail
from newsletter.services.pull_source import Page, TokenDeparture
from newsletter.subscribers.origins import UNSUBSCRIBE_MAIL

PER_PAGE = 100


class MailboxSource:
    """A folder of a mailbox. The position is its UIDVALIDITY and the number of the last message.

    All messages after it are read, also seen ones: a person may have opened one before this visit.
    """

    name = "imap"

    def __init__(
        self,
        account: ImapAccount,
        tokens: UnsubscribeTokens | None,
        *,
        keeps: bool = False,
        limits: ImapLimits | None = None,
    ) -> None:
        """Take the account and the keys of the tokens; `keeps`: mark no message as seen."""
        self._account, self._tokens, self._keeps, self._limits = account, tokens, keeps, limits

    def pages(self, position: str) -> Iterator[Page]:
        with open_folder(self._account, self._limits, readonly=self._keeps) as folder:
            for new_position, mails in mail_pages(folder, position):
                read = [(mail, read_mail(mail.content)) for mail in mails]
                done = [(mail, token) for mail, found in read if (token := self._token(found))]
                if not self._keeps:
                    # Before the commit: a message that is read again after an interruption changes nothing.
                    folder.mark_read([mail.key for mail, _ in done])
                departures = [
                    TokenDeparture(token, mail.received_at, UNSUBSCRIBE_MAIL) for mail, token in done
                ]
                others = [found for _, found in read if not self._token(found)]
                yield Page(
                    new_position,
                    len(mails),
                    tokens=departures,
                    needs_person=sum(map(_needs_person, others)),
                    automatic=sum(found.automatic != "" for found in others),
                )

    def _token(self, mail: IncomingMail) -> str:
        """Return the token by which a message unsubscribes its author; "" for any other message.

        The name in From is never asked: it can be forged.
        """
        if mail.automatic == "replied":
            return ""
        if mail.is_test:
            return TEST
        tokens = self._tokens
        valid = {
            number: token for token in mail.leave_tokens if tokens and (number := tokens.subscriber_id(token))
        }
        return next(iter(valid.values())) if len(valid) == 1 else ""


def _needs_person(mail: IncomingMail) -> bool:
    """Return True for a message that no pull acts on: `news signups pull` reads the others."""
    return not (mail.automatic or mail.confirm_tokens or mail.asks_to_subscribe)


def mail_pages(folder: ImapFolder, position: str) -> Iterator[tuple[str, Sequence[FoundMail]]]:
    """Yield the messages after a position in pages, each with the position after it; at least one page."""
    validity, _, last = position.partition(":")
    after = int(last) if last.isdecimal() and validity == str(folder.validity) else 0
    numbers = folder.messages(after)
    if not numbers:
        yield f"{folder.validity}:{after}", []
    while numbers:
        for start in range(0, len(numbers), PER_PAGE):
            some = numbers[start : start + PER_PAGE]
            yield f"{folder.validity}:{some[-1]}", list(folder.fetch(some))
        numbers = folder.messages(numbers[-1])
