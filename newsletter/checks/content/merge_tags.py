"""Check for the placeholders of other tools, such as *|FNAME|* of Mailchimp: news fills only its own."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from newsletter.checks.code import without_code
from newsletter.checks.proof import Proof
from newsletter.constants import PLACEHOLDERS
from newsletter.display import printable
from newsletter.errors import Problem, Severity
from newsletter.issue.files import Text
from newsletter.yamlfile import reader

# Tags of a form that no other text has. A tag ends before the next one of its kind starts.
_CERTAIN = re.compile(
    r"""
      \*\|[^|*\n]{1,80}\|\*                       # Mailchimp, Mandrill: *|FNAME|*, *|IF:FNAME|*
    | \{\{(?:(?!\{\{).){0,200}?\}\}               # Brevo, Kit, listmonk: {{ subscriber.first_name }}
    | \{%(?:(?!\{%).){0,200}?%\}                  # Liquid: {% if subscriber %}
    | <%(?:(?!<%).){0,200}?%>                     # Adobe Campaign: <%= recipient.firstName %>
    | %recipient(?:\.\w{1,60})?%                  # Mailgun: %recipient.name%
    | (?<![%\w])%%=?[A-Za-z][\w ().@=]{0,60}%%    # Salesforce: %%first_name%%, %%=v(@name)=%%
    | \[[\w\ ]{1,60},[ ]?fallback=[^\]\n]{0,60}\] # Campaign Monitor, Sendy: [firstname,fallback=reader]
    | \[(?:subscriber|contact|user|newsletter):\w{1,60}[ ]?(?:\|[^\]\n]{0,60})?\]  # MailPoet
    | \[%[^\]\n]{1,80}%\]                         # Emma: [% member:first_name %]
    | \[\[(?:data|var):[^\]\n]{1,80}\]\]          # Mailjet: [[data:firstname:"reader"]]
    | \{![A-Za-z][\w.]{0,60}\}                    # AWeber, Salesforce: {!firstname}, {!Contact.Name}
    | \{(?:subtag|user|contact):\w{1,60}(?:\|[^}\n]{0,60})?\}  # AcyMailing: {subtag:name}
    | <(?:unsubscribe|webversion|preferences)>    # Campaign Monitor
    """,
    re.VERBOSE | re.DOTALL,
)
_PERSON = (
    r"[fl]name|(?:first|last|full|sur|given|family|recipient|subscriber|contact|customer|member)[ _.-]?name"
    r"|(?:subscriber|contact|customer|recipient|member)\.\w{1,40}|vorname|nachname|prenom|pr\xe9nom"
    r"|unsub(?:scribe)?(?:[ _-]?(?:url|link|me))?|update[ _-]?profile(?:[ _-]?url)?"
)
_FIELD = rf"(?:{_PERSON}|(?:your[ _])?name|e-?mail(?:[ _]?addr(?:ess)?)?)"
# Tags whose form other text has too: the word between their marks is the name of a field.
_LIKELY = re.compile(
    rf"""
      (?<![\w%])%{_FIELD}%(?![\w%])                          # ActiveCampaign: %FIRSTNAME%
    | (?<![\w\[\]])\[{_FIELD}\](?![\w(\[\]:])                # phpList: [FIRSTNAME]; no link
    | (?<![\w{{])[$%\#]?\{{\$?{_FIELD}(?:,[ ]?["\u201c\u201d][^}}\n]{{0,60}})?\}}(?!\}})  # Ghost, MailerLite
    | (?<!<)<<{_FIELD}>>(?!>) | \xab{_FIELD}\xbb             # mail merge of Word and of spreadsheets
    | (?<![\w-])-{_FIELD}-(?![\w-])                          # SendGrid: -name-
    | (?<![\w\#])\#{_FIELD}\#(?![\w\#])                      # SendGrid: #name#
    | (?<![\w@])@{_FIELD}@(?![\w@])                          # Dotdigital: @FIRSTNAME@
    | (?<![\w~])~{_FIELD}~(?![\w~])                          # Keap: ~Contact.FirstName~
    | (?<![\w:])::{_FIELD}::(?![\w:])                        # Mailcoach: ::unsubscribeUrl::
    """,
    re.VERBOSE | re.IGNORECASE,
)
_IS_PERSON = re.compile(_PERSON, re.IGNORECASE)
_LINKS = ("link", "src")
_SHOWN_KEYS = ("name", "description", "sender", "postal_address", "labels")
# A backslash before punctuation, which Markdown drops.
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_OURS = ", ".join(f"[[{name}]]" for name in PLACEHOLDERS)


def merge_tags(proof: Proof) -> Iterator[Problem]:
    """Placeholders of other tools, such as *|FNAME|*, which news does not fill."""
    for text in proof.texts:
        if text.loc[0] != "extra":
            searched = _searched(text)
            for tag, severity in find_merge_tags(searched):
                if f"\n{tag}:".lower() in f"\n{searched}".lower():
                    continue  # the words of a link whose address stands elsewhere in the text
                yield Problem(proof.where(text, tag), _what(tag), _fix(tag, text), severity)
    for loc, content in proof.newsletter.texts():
        for tag, severity in find_merge_tags(content) if loc[0] in _SHOWN_KEYS else ():
            what = reader.sentence(loc, f"has {_quoted(tag)}")
            yield Problem(proof.newsletter.where(*loc), what, "write words in its place", severity)
    yield from _from_templates(proof)


def find_merge_tags(text: str) -> list[tuple[str, Severity]]:
    """Return the merge tags of a text, each once: an error if no other text has its form, else a warning."""
    certain = [match[0] for match in _CERTAIN.finditer(text)]
    rest = _CERTAIN.sub(" ", text)
    likely = [match[0] for match in _LIKELY.finditer(rest)]
    severities: dict[str, Severity] = dict.fromkeys(certain, "error")
    for tag in likely:
        severities[tag] = "error" if _IS_PERSON.search(tag) else "warning"
    return list(severities.items())


def _from_templates(proof: Proof) -> Iterator[Problem]:
    """Yield the tags that are in the mail and in no text: a template wrote them.

    The check `markup` reports template code.
    """
    texts = [text.content for text in proof.texts] + [content for _, content in proof.newsletter.texts()]
    written = " ".join(" ".join(texts).split())
    written = (written + unquote(written) + _ESCAPE.sub(r"\1", written)).casefold()
    targets = (unquote(address) for address in proof.document.targets)
    for tag, severity in find_merge_tags("\n".join((proof.document.text, *targets, proof.rendered.text))):
        if not _is_written(tag, written) and not tag.startswith(("{{", "{%", "<%", "*|")):
            yield Problem(proof.where(tag), _what(tag), f"delete it: news fills only {_OURS}", severity)


def _is_written(tag: str, written: str) -> bool:
    """Return True if a tag of the mail is in the texts; a template may add capitals and brackets to one."""
    inner = tag[1:-1] if find_merge_tags(tag[1:-1]) else tag
    return any(form.casefold() in written for form in (tag, inner))


def _searched(text: Text) -> str:
    if text.loc[-1] in _LINKS:
        return unquote(text.content)
    if text.loc[0] in ("subject", "preheader"):
        return text.content
    return _ESCAPE.sub(r"\1", without_code(text.content))


def _what(tag: str) -> str:
    return f"readers would see {_quoted(tag)}"


def _quoted(tag: str) -> str:
    return f"{printable(' '.join(tag.split()))}, a placeholder of another tool"


def _fix(tag: str, text: Text) -> str:
    if text.loc[-1] in _LINKS:
        return "delete it: news fills nothing inside a web address"
    if text.loc[0] in ("subject", "preheader"):
        return "write words in its place: news fills nothing here"
    otherwise = "write it as `code` if readers should see it"
    name = tag.lower()
    if "unsub" in name:
        return f"write [[unsubscribe_url]]; {otherwise}"
    if "mail" in name and "name" not in name:
        return f"write [[address]]; {otherwise}"
    if "name" in name or "nom" in name:
        return f"write [[name]]; {otherwise}"
    return f"delete it: news fills only {_OURS}; {otherwise}"
