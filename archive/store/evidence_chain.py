"""The chain of evidence: each import and each maintenance adds links, each computed from the one before.

A link is the SHA-256 of a line of CSV, which begins with the link before. So nobody can change, remove or
reorder links without computing all later ones anew. With a key, each link also has an HMAC, which only
those who know the key can compute.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy.engine import Connection, Engine

# What the link before the first one is.
START = bytes(32)
IMPORT = "import"
# Links with facts of an appliance: as it reported them, and as they were configured.
FACTS, SETTINGS = "facts", "settings"
# The execution option of an engine that has the function to get the key.
_KEY = "archive_evidence_key"
# What a cell of CSV must be quoted for (RFC 4180).
_SPECIAL = re.compile('[",\r\n]')
_AT_A_TIME = 5000


class Key:
    """The key of a chain; `id` tells keys apart and does not give them away.

    `id` is the first 16 hexadecimal digits of the HMAC of the word `key`.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.id = self.mac(b"key").hex()[:16]

    def mac(self, text: bytes) -> bytes:
        """Return the HMAC-SHA-256 of a text, 32 bytes (RFC 2104)."""
        return hmac.digest(self._secret, text, "sha256")


class Link(NamedTuple):
    """A link; instants are fixed-width UTC texts, and digests have 32 bytes.

    `what` is `import`, a kind of maintenance, FACTS or SETTINGS, `subject_id` the number in the log of
    imports or of maintenance, for SETTINGS that of the appliance. `digest` is that of the lines of the
    documents, of the line of the maintenance, or of the facts; `documents` is their number, or that of
    the jobs. `appliance_name` is the name at that time; None: several, or none. `link` is computed from
    all columns before it, `mac` is None without a key. `facts` is JSON, None for other links, and once
    the appliance is forgotten.
    """

    id: int
    recorded_at: str
    what: str
    subject_id: int
    appliance_name: str | None
    seen_at: str | None
    documents: int | None
    digest: bytes
    key_id: str | None
    link: bytes
    mac: bytes | None
    facts: str | None

    def line(self, previous: bytes) -> str:
        """Return the line that the link is the digest of, without an end of line."""
        return self.line_of(previous, *self[:9])

    @staticmethod
    def line_of(
        previous: bytes,
        number: int,
        recorded_at: str,
        what: str,
        subject_id: int,
        appliance_name: str | None,
        seen_at: str | None,
        documents: int | None,
        digest: bytes,
        key_id: str | None,
    ) -> str:
        """Return the line of a link with these columns."""
        # Each import makes one, so it is not made cell by cell. Only the name may need quotes.
        count = "" if documents is None else documents
        return (
            f"{previous.hex()},{number},{recorded_at},{what},{subject_id},{_cell(appliance_name)},"
            f"{seen_at or ''},{count},{digest.hex()},{key_id or ''}"
        )


_COLUMNS = [tables.evidence_link.c[name] for name in Link._fields]
_HEAD = db.Prepared(
    sa.select(tables.evidence_link.c.id, tables.evidence_link.c.link)
    .order_by(tables.evidence_link.c.id.desc())
    .limit(1)
)


class Entry(NamedTuple):
    """What a link is about; the meaning of the fields is that of `Link`."""

    what: str
    subject_id: int
    appliance_name: str | None
    seen_at: str | None
    documents: int | None
    digest: bytes
    facts: str | None = None


class Head(NamedTuple):
    """The number and the digest of the newest link; 0 and START without any."""

    id: int
    link: bytes

    def __str__(self) -> str:
        return f"{self.id}:{self.link.hex()}"


def use_key(engine: Engine, key: Callable[[], Key | None]) -> None:
    """Make all links of an engine's connections with a key; the function is called for each."""
    engine.update_execution_options(**{_KEY: key})


def key_of(source: Connection | Engine) -> Key | None:
    """Return the key in use, None without one. Raises what its function raises."""
    get = source.get_execution_options().get(_KEY)
    return None if get is None else get()


def head(connection: Connection) -> Head:
    """Return the newest link."""
    rows = _HEAD.rows(connection, {})
    return Head(int(rows[0][0]), bytes(rows[0][1])) if rows else Head(0, START)


def append(connection: Connection, entries_from: Callable[[int], Iterable[Entry]]) -> None:
    """Add links at the end of a transaction: the lock of the chain is taken last, and held until then.

    So the order of the links is that of the commits. `entries_from` gets the number of the first new
    link. Raises ConfigurationError if the key cannot be read.
    """
    key = key_of(connection)
    db.lock(connection, ["evidence"])
    number, previous = head(connection)
    now = timestamps.now()
    rows = []
    key_id = None if key is None else key.id
    for place, entry in enumerate(entries_from(number + 1), number + 1):
        columns = (place, now, *entry[:6], key_id)
        text = Link.line_of(previous, *columns).encode()
        previous = hashlib.sha256(text).digest()
        rows.append((*columns, previous, None if key is None else key.mac(text), entry.facts))
    db.insert(connection, tables.evidence_link, rows)


def facts_entry(
    number: int, what: str, subject_id: int, name: str, seen_at: str | None, facts: str
) -> Entry:
    """Return what a link with facts is about; `number` is that of the link."""
    digest = hashlib.sha256(facts_line(number, facts).encode()).digest()
    return Entry(what, subject_id, name, seen_at, None, digest, facts)


def facts_line(number: int, facts: str) -> str:
    """Return the line of facts, with its end, that the digest of their link is computed from."""
    return f"{csv_line((number, facts))}\n"


def links(connection: Connection, since: int = 1, *, with_facts: bool = False) -> Iterator[Link]:
    """Yield the links from a number on, in order; all, or those with facts."""
    table = tables.evidence_link
    query = sa.select(*_COLUMNS).where(table.c.id >= since).order_by(table.c.id)
    if with_facts:
        query = query.where(table.c.facts.is_not(None))
    with connection.execute(query, execution_options={"yield_per": _AT_A_TIME}) as rows:
        for row in rows:
            yield Link._make(row)


def keys(connection: Connection) -> dict[str | None, int]:
    """Return the number of links by the name of their key, None without one, in order of first use."""
    table = tables.evidence_link
    query = (
        sa.select(table.c.key_id, sa.func.count())
        .group_by(table.c.key_id)
        .order_by(sa.func.min(table.c.id))
    )
    return dict(map(tuple, connection.execute(query)))


def csv_line(cells: Sequence[Any]) -> str:
    """Return cells as a line of CSV without its end; bytes in hexadecimal digits, None as nothing."""
    return ",".join(map(_cell, cells))


def is_special(text: str) -> bool:
    """Return whether a text must be quoted in CSV."""
    return _SPECIAL.search(text) is not None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.hex()
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if is_special(text) else text
