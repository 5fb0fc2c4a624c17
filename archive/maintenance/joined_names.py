"""Give what has only the name of an appliance another name: attempts, quarantine, notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive.db import tables
from archive.store import collection_log, quarantine
from archive.store.collection_log import COMPLETE, FAILED, INTERRUPTED, PARTIAL

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Of two attempts in one collection, the one with the better outcome stays.
_BEST_FIRST = (COMPLETE, PARTIAL, FAILED, INTERRUPTED)


def join_names(connection: Connection, name: str, new_name: str) -> None:
    """Rename, and where the new name has the same already, keep one of both.

    A collection that asked both asked one appliance: it counts one less.
    """
    _join_attempts(connection, name, new_name)
    _join_quarantine(connection, name, new_name)
    _join_notified(connection, name, new_name)


def _join_attempts(connection: Connection, name: str, new_name: str) -> None:
    """Rename the attempts of all collections; of two in one collection, one is deleted."""
    table = tables.attempt
    query = sa.select(table.c.collection_id, table.c.outcome)
    old, new = (
        dict(map(tuple, connection.execute(query.where(table.c.appliance_name == each))))
        for each in (name, new_name)
    )
    twice = sorted(old.keys() & new.keys())
    for number in twice:
        better = _BEST_FIRST.index(old[number]) < _BEST_FIRST.index(new[number])
        connection.execute(
            sa.delete(table).where(
                table.c.collection_id == number,
                table.c.appliance_name == (new_name if better else name),
            )
        )
    connection.execute(
        sa.update(table).where(table.c.appliance_name == name).values(appliance_name=new_name)
    )
    for number in twice:
        collection_log.ask_one_less(connection, number)


def _join_quarantine(connection: Connection, name: str, new_name: str) -> None:
    """Rename the documents in quarantine, whose digests contain the name.

    Of two equal documents the one with the lower number stays, seen from the first to the last time
    of both.
    """
    table = tables.quarantine
    held = quarantine.held(connection)
    known = {document.digest(): document for document in held if document.appliance == new_name}
    for document in held:
        if document.appliance != name:
            continue
        renamed = document._replace(appliance=new_name)
        digest = renamed.digest()
        same = known.get(digest)
        if same is None:
            _update(connection, document.id, appliance_name=new_name, digest=digest)
            continue
        # The earlier one stays, as if the later one had come again.
        kept, gone = sorted((document, same), key=lambda one: one.id)
        connection.execute(sa.delete(table).where(table.c.id == gone.id))
        _update(
            connection,
            kept.id,
            appliance_name=new_name,
            digest=digest,
            first_seen=min(kept.first_seen, gone.first_seen),
            last_seen=max(kept.last_seen, gone.last_seen),
        )


def _join_notified(connection: Connection, name: str, new_name: str) -> None:
    """Keep what each recipient was notified of under the new name; else, under the old one."""
    table = tables.notified_problem
    told = sa.select(table.c.recipient).where(table.c.appliance_name == new_name)
    old = table.c.appliance_name == name
    connection.execute(sa.delete(table).where(old, table.c.recipient.in_(told)))
    connection.execute(sa.update(table).where(old).values(appliance_name=new_name))


def _update(connection: Connection, number: int, **values: object) -> None:
    """Change the values of a document in quarantine."""
    table = tables.quarantine
    connection.execute(sa.update(table).where(table.c.id == number).values(**values))
