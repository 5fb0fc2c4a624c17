"""Hide passwords in URLs, and in texts that contain URLs.

The rules hide too much rather than too little. A password may contain `@` or `/`, so everything up to the
last `@` is hidden.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

# In place of a secret, whatever its length.
HIDDEN = "***"

# A part of a text to hide: its start and end.
_Span = tuple[int, int]

# Names of parameters and members, in any language of configuration: `apiKey`, `api_key`,
# `X-Auth-Token`.
_SECRET_NAME = re.compile(
    r"passw|passphrase|pwd|secret|token|credential|signature|authorization|session[_-]?id"
    r"|(?:api|access|account|private|shared|encryption)[_-]?key"
    r"|(?<![a-z])(?:pass|pw|sig|auth)(?![a-z])",
    re.IGNORECASE,
)
# Colons and slashes, also percent-encoded.
_COLON = re.compile(r":|%3[Aa]")
_SLASHES = re.compile(r"//|\\\\|%2[Ff]%2[Ff]")
_AT = re.compile(r"@|%40")
_ENCODED_URL = re.compile(r"%3[Aa]%2[Ff]%2[Ff]")
# A URL has no spaces, so each word is looked at by itself.
_TOKEN = re.compile(r"\S+")
# After a colon: a port of an address, not the beginning of a password.
_PORT = re.compile(r"\d{1,5}(?![^/\\?#,;.\s\"')\]])")
# Before a colon: an hour, not a user.
_CLOCK = re.compile(r"(?:^|\D)\d{1,2}$")
# Words before a colon that an address follows: `mailto:bob@example.com`.
_OF_ADDRESS = re.compile(r"(?:^|\W)(?:mailto|sip|xmpp)$", re.IGNORECASE)
# A parameter; its value ends before the next one, or with its quotes. In a text it also ends with the word.
_NAME = r"(?<![\w.%-])([\w.%-]{1,64})"
_QUOTED = r"""'(?:\\.|[^'\\])*'?|"(?:\\.|[^"\\])*"?"""
_NEXT = r"[&;,][\w.%-]+="
_EQUALS = re.compile(rf"{_NAME}(?:=|%3[Dd])")
_PARAMETER = _EQUALS, re.compile(rf"({_QUOTED}|(?:(?!{_NEXT})\S)+)", re.DOTALL)
_URL_PARAMETER = _EQUALS, re.compile(rf"((?:(?!{_NEXT}).)+)", re.DOTALL)
# A member of JSON or of a Python literal within a text, whose quotes may be escaped.
_QUOTE = r"""\\{0,8}["']"""
_MEMBER = (
    re.compile(rf"""["']([\w.-]{{1,64}}){_QUOTE}\s*:\s*{_QUOTE}"""),
    re.compile(rf"((?:(?!{_QUOTE}).)+)", re.DOTALL),
)
# A value after its name, with a colon or spaces between: a setting, a header or an option of a command.
# `--secret-file` names no secret, and `--password and --user` are words of a sentence.
_SETTING = re.compile(
    r"(?<![\w.%-])(?:([\w.-]{1,64})(?:\s*[:=]\s*|\s+(?=[\"']))"
    r"|(--(?:[\w-]{0,60}-)?(?:passw(?:or)?d|passphrase|pass|pwd|secret|token|key))"
    r"\s+(?!(?:and|or|is|are|needs|must|cannot)\b))"
)
_VALUE = re.compile(rf"{_QUOTED}|\S+")
# A word of a setting that is no prose: quoted, or with a digit or a sign among letters.
_NO_PROSE = re.compile(r"[\"']|(?=\S*[^\W\d])(?=\S*[\d!#$%&*+<>?@\\^_`{|}~])")
# An element of XML.
_ELEMENT = re.compile(r"<([\w.:-]{1,64})>"), re.compile(r"([^<]+)</")
# Options of commands: `-u svc:password`, `user=svc%password`, `sshpass -p password`.
_OPTION = re.compile(
    r"""(?:(?:(?<![\w-])-[uU]|--(?:proxy-)?user)['",=\s]{1,8}|\buser(?:name)?=['"]?)"""
    r"""[^\s:%'",]{1,256}[:%]([^\s'",]+)"""
    r"""|sshpass['",\s]{1,8}-p['",\s]{0,8}([^\s'",\]]+)"""
)
# An authorization header of HTTP (RFC 9110); shorter words than six characters are prose.
_HEADER = re.compile(r"\b(?:Basic|Bearer)\s+([\w+/=.~-]{6,})")
# In lower case. `_may_name` has the same parts.
_NAMED = re.compile(
    r"(?:pass|pw|secret|token|credential|sig|auth|key|session|%)(?:[\w.%-]|\\u[\da-f]{4}){0,64}"
    r"(?:[=:>]|%3d|(?:\s|\\[a-z])+[=:\"'\\]|\\*[\"'](?:\s|\\[a-z])*:)"
    r"|--[^\"\s]{0,64}(?:pass|pw|secret|token|credential|sig|auth|key|session)|sshpass"
)
# The same of `_OPTION`.
_USERS = re.compile(r"""-u(?:ser)?(?:['",=\s]|\\.)|user(?:name)?=[^\s%]+%""")
_SENT = re.compile(r"(?:basic|bearer)(?:\s|\\[a-z])")


def suspect(text: str) -> bool:
    """Whether something may be hidden in the rows of a document's JSON. Never wrongly False."""
    lower = text.lower()
    # Single characters first: to look for one takes a tenth of the time of a longer text.
    if ("@" in lower or ("%" in lower and "%40" in lower)) and _at_follows_colon(lower):
        return True
    return _may_name(lower) or _sent(lower) or _has_option(lower)


def may_hide(text: str) -> bool:
    """Whether something may be hidden in a single text. Never wrongly False."""
    lower = text.lower()
    at = max(lower.rfind("@"), lower.rfind("%40"))
    if at >= 0 and _COLON.search(lower, 0, at):
        return True
    return _may_name(lower) or _sent(lower) or _has_option(lower)


def _has_option(lower: str) -> bool:
    """Whether a lower-case text may have a user and a password as an option of a command."""
    return ("-u" in lower or "%" in lower) and _USERS.search(lower) is not None


def _sent(lower: str) -> bool:
    """Whether a lower-case text may have an authorization header."""
    return ("basic" in lower or "bearer" in lower) and _SENT.search(lower) is not None


def _may_name(lower: str) -> bool:
    """Whether a lower-case text may have the name of a secret, with its value."""
    # One by one: this runs for each text of a document, and a loop or a pattern takes several times as long.
    named = (
        "%" in lower
        or "pass" in lower
        or "pw" in lower
        or "secret" in lower
        or "token" in lower
        or "credential" in lower
        or "sig" in lower
        or "auth" in lower
        or "key" in lower
        or "session" in lower
    )
    return named and _NAMED.search(lower) is not None


def _at_follows_colon(lower: str) -> bool:
    """Whether a colon is before an @ in any text of a lower-case JSON."""
    if "%3a" in lower or "%40" in lower:
        return True
    # Looking back from each of the few @ takes a fraction of the time of looking ahead from each colon.
    at = lower.find("@")
    while at >= 0:
        if lower.find(":", _start_of_text(lower, at), at) >= 0:
            return True
        at = lower.find("@", at + 1)
    return False


def _start_of_text(lower: str, place: int) -> int:
    """Return where the JSON string around a place starts."""
    quote = lower.rfind('"', 0, place)
    while quote > 0 and lower[quote - 1] == "\\":
        quote = lower.rfind('"', 0, quote)
    return max(quote, 0)


def mask_url(url: str) -> str:
    """Return a URL, UNC path or other address as a whole with passwords replaced by `***`.

    The user stays, unless a password may begin in it.
    """
    spans = [*_user_information(url, 0, len(url)), *_named(url, _URL_PARAMETER)]
    return _without(url, spans)


def mask_text(text: str) -> str:
    """Return a text with passwords in its URLs, parameters and authorization headers replaced.

    It keeps line ends and all else. A text without anything to hide costs a search for a few
    characters.
    """
    if not may_hide(text):
        return text
    spans = [*_in_tokens(text), *_named(text, _PARAMETER), *_named(text, _MEMBER)]
    spans += [*_named(text, _ELEMENT), *_settings(text)]
    spans += [header.span(1) for header in _HEADER.finditer(text)]
    spans += [option.span(option.lastindex or 0) for option in _OPTION.finditer(text)]
    return _without(text, spans)


def mask_json(value: Any) -> Any:
    """Return a JSON value with every text masked, and every text of a member that names a secret.

    The value is not changed. Numbers and booleans are never secrets.
    """
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, list):
        return [mask_json(item) for item in value]
    if isinstance(value, dict):
        # A map, and an entry of a map as `/rest` writes it.
        entry = value.keys() == {"key", "value"} and isinstance(value["key"], str)
        return {
            mask_text(name): _secret_of(item)
            if names_secret(value["key"] if entry and name == "value" else name)
            else mask_json(item)
            for name, item in value.items()
        }
    return value


def _secret_of(value: Any) -> Any:
    """Return the value of a member that names a secret: texts are hidden, also as a param's `s`."""
    if isinstance(value, str):
        return value and HIDDEN
    if isinstance(value, dict):
        return {
            mask_text(name): _secret_of(item) if isinstance(item, str) else mask_json(item)
            for name, item in value.items()
        }
    return mask_json(value)


def names_secret(name: str) -> bool:
    """Whether the name of a parameter says that its value is a secret.

    The name may be percent-encoded; its case does not matter.
    """
    return _SECRET_NAME.search(unquote(name)) is not None


def _colon(text: str, start: int, end: int) -> re.Match[str] | None:
    """Return the first colon before which a user may stand: not the one of `scheme://`."""
    first = _COLON.search(text, start, end)
    if first is not None and _SLASHES.match(text, first.end(), end):
        return _COLON.search(text, first.end(), end)
    return first


def _user_information(text: str, start: int, end: int) -> Iterator[_Span]:
    """Yield the passwords in user information between two places of a text."""
    colon = _colon(text, start, end)
    if colon is not None:
        at = text.rfind("@", start, end)
        if _ENCODED_URL.search(text, start, end) or (at < 0 and not _PORT.match(text, colon.end())):
            at = max(at, text.rfind("%40", start, end))
        if at > colon.end():
            yield colon.end(), at


def _in_tokens(text: str) -> Iterator[_Span]:
    """Yield the passwords in the user information of URLs, word by word.

    A password may contain a space; then a word after the URL has the @, in the same line.
    """
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        colon = _colon(text, start, end)
        if colon is None:
            continue
        before = text[start : colon.start()]
        if _SLASHES.search(text, start, end) is None:
            if _OF_ADDRESS.search(before) or _CLOCK.search(before):
                continue
        elif _AT.search(text, colon.end(), end) is None:
            # A password with a space, unless the colon stands before a port or ends a sentence.
            following = text.find("@", end)
            line_end = text.find("\n", end)
            if (
                following < 0
                or 0 <= line_end < following
                or colon.end() == end
                or _PORT.match(text, colon.end())
            ):
                continue
            end = following + 1
        yield from _user_information(text, start, end)


def _named(text: str, parameter: tuple[re.Pattern[str], re.Pattern[str]]) -> Iterator[_Span]:
    """Yield the values of parameters whose names say that they are secret.

    A parameter is a pattern of its name and one of its value. The value of another one may contain a
    parameter; only a secret one is read, so that no text is read again and again.
    """
    name, value = parameter
    start = 0
    while (found := name.search(text, start)) is not None:
        start = found.end()
        if names_secret(found[1]) and (hidden := value.match(text, start)) is not None:
            yield hidden.span(1)
            start = hidden.end()


def _settings(text: str) -> Iterator[_Span]:
    """Yield the values of secret settings that are no prose: `password: expired` says something."""
    start = 0
    while (found := _SETTING.search(text, start)) is not None:
        start = found.end()
        if not names_secret(found[1] or found[2]):
            continue
        hidden = _VALUE.match(text, start)
        if hidden is not None and (found[2] or _NO_PROSE.match(hidden[0])):
            yield hidden.span()
            start = hidden.end()


def _without(text: str, spans: list[_Span]) -> str:
    """Return a text with `***` in place of each span; spans may overlap."""
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if end <= done:
            continue
        if start > done or not parts:
            parts += [text[done:start], HIDDEN]
        done = end
    return "".join((*parts, text[done:]))
