"""Parse inline Markdown: emphasis beside Chinese, Japanese and Korean, bare addresses, and comments."""

from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.common.utils import isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline.state_inline import Scanned, StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType

from newsletter.issue.markdown.comments import comment_end
from newsletter.render.east_asian import is_cjk

_MAX_ADDRESS_CHARACTERS = 2_000
_SCHEME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-")


class InlineState(StateInline):
    """The state of a paragraph's parser; the tokens of links, pictures and notes have a position in `map`."""

    def __init__(self, src: str, md: MarkdownIt, env: EnvType, outTokens: list[Token]) -> None:
        super().__init__(src, md, env, outTokens)
        self._last_comment_ends: dict[int, int] = {}

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        token = super().push(ttype, tag, nesting)
        if ttype in ("link_open", "image", "footnote_ref"):
            token.map = [self.pos, self.pos]
        return token

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        """Let `*` and `~~` between a CJK character and another one both open and close emphasis.

        The rule is that of markdown-cjk-friendly (https://github.com/tats-u/markdown-cjk-friendly):
        CommonMark closes no emphasis between a punctuation mark and an ideograph, as in `**注意：**请看`.
        """
        scanned = super().scanDelims(start, canSplitWord)
        end = start + scanned.length
        if not canSplitWord or start == 0 or end >= self.posMax or (scanned.can_open and scanned.can_close):
            return scanned
        before, after = self.src[start - 1], self.src[end]
        if isWhiteSpace(ord(before)) or isWhiteSpace(ord(after)) or not (is_cjk(before) or is_cjk(after)):
            return scanned
        return Scanned(True, True, scanned.length)

    def comment_end(self) -> int:
        """Return the position after the comment that starts here; 0 if none does, or if it has no end."""
        return comment_end(self.src, self.pos, self.posMax, self._last_comment_ends)


class InlineParser(ParserInline):
    """markdown-it's parser of inline Markdown, with our state."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = InlineState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def drop_comment(state: StateInline, silent: bool) -> bool:
    """Skip an HTML comment: an editor's private note is not for readers."""
    if state.src[state.pos] != "<" or not isinstance(state, InlineState):
        return False
    end = state.comment_end()
    if end:
        state.pos = end
    return bool(end)


def link_address(state: StateInline, silent: bool) -> bool:
    """Make a link of a bare http(s) address; without a scheme, `train.py` would be one too."""
    if state.src[state.pos] != ":" or state.linkLevel > 0 or (start := _scheme_start(state)) is None:
        return False
    assert state.md.linkify
    source = state.src[start : min(state.posMax, start + _MAX_ADDRESS_CHARACTERS)]
    found = state.md.linkify.match_at_start(source)
    # An address with a placeholder stays text, in which the placeholder is filled.
    url = found.url.rstrip("*") if found and "[[" not in found.url else ""
    target = state.md.normalizeLink(url)
    if not url or not state.md.validateLink(target):
        return False
    if not silent:
        state.pending = state.pending[: start - state.pos]
        opening = state.push("link_open", "a", 1)
        opening.attrs, opening.markup, opening.info = {"href": target}, "linkify", "auto"
        state.push("text", "", 0).content = state.md.normalizeLinkText(url)
        state.push("link_close", "a", -1).markup = "linkify"
    state.pos = start + len(url)
    return True


def _scheme_start(state: StateInline) -> int | None:
    """Return the start of `http` or `https` before `://` at the state's position."""
    if not state.src.startswith("://", state.pos):
        return None
    for scheme in ("https", "http"):
        start = state.pos - len(scheme)
        if (
            start >= 0
            and state.src[start : state.pos].lower() == scheme
            and (start == 0 or state.src[start - 1] not in _SCHEME_CHARACTERS)
            and state.pending.lower().endswith(scheme)
        ):
            return start
    return None
