"""IDs of message contents: each appliance stores a content once, however many messages have it.

Contents are shared within an appliance, not over the whole archive: so all rows of a job stay
together, and imports of different appliances never wait for each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archive import db
from archive.db import tables
from archive.document.flatten import Content, Template
from archive.document.params import ParamRow
from archive.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection, Row

    from archive.store.dimension_keys import References, Rows

_param_columns = attrgetter(*ParamRow._fields)
# The cache is cleared when it has more contents than this.
_CACHED = 50_000
_CONTENT = tables.message_content.c
_GREATEST_ID = db.Prepared(
    sa.select(sa.func.max(_CONTENT.id)).where(_CONTENT.appliance_id == sa.bindparam("of_appliance"))
)


@dataclass
class _Known:
    """The contents of one appliance: IDs by digest.

    `whole` says that none is stored beside them, `greatest` is the greatest ID (None: not read).
    """

    ids: dict[bytes, int] = field(default_factory=dict)
    whole: bool = False
    greatest: int | None = None


class MessageContents:
    """Look up the IDs of contents, and create rows for new ones.

    All appliances must be locked. IDs are cached, so do not use an object after one of its
    transactions was rolled back.
    """

    def __init__(self, references: References) -> None:
        self._references = references
        # By appliance ID.
        self._known: dict[int, _Known] = {}

    def start(self, appliance_ids: Iterable[int]) -> None:
        """Record that appliances are new: they have no contents yet."""
        for appliance_id in appliance_ids:
            self._known[appliance_id] = _Known(whole=True, greatest=0)

    def ids(self, appliance_id: int) -> Mapping[bytes, int]:
        """Return the IDs of an appliance's contents that `learn` has seen, by digest."""
        return self._known[appliance_id].ids

    def learn(self, connection: Connection, documents: Iterable[tuple[int, Rows]]) -> None:
        """Give every content of some documents, with their appliances' IDs, a row and a cached ID.

        Documents are the fields of `flatten.Normalised`, in order.

        Afterwards `ids` has all of them, until the next call.
        """
        if sum(len(known.ids) for known in self._known.values()) > _CACHED:
            self._known.clear()
        unknown: dict[int, dict[bytes, Rows]] = {}
        for appliance_id, (_, _, _, _, messages, _) in documents:
            ids = self._known.setdefault(appliance_id, _Known()).ids
            for _, content in messages:
                if content[0] not in ids:
                    unknown.setdefault(appliance_id, {})[content[0]] = content
        self._look_up(connection, unknown)
        new = {
            appliance_id: missing
            for appliance_id, contents in unknown.items()
            if (missing := self._missing(appliance_id, contents))
        }
        if new:
            self._create(connection, new)

    def _look_up(self, connection: Connection, wanted: Mapping[int, Iterable[bytes]]) -> None:
        """Cache the IDs of those contents that are stored."""
        table = tables.message_content
        pairs = (
            (appliance_id, digest)
            for appliance_id, digests in wanted.items()
            if not self._known[appliance_id].whole
            for digest in digests
        )
        keys, columns = (
            (table.c.appliance_id, table.c.digest),
            (table.c.appliance_id, table.c.digest, table.c.id),
        )
        for appliance_id, digest, number in db.find_pairs(connection, keys, pairs, columns):
            self._known[appliance_id].ids[digest] = number

    def _missing(self, appliance_id: int, contents: Mapping[bytes, Rows]) -> list[Rows]:
        """Return the contents that are neither cached nor stored."""
        ids = self._known[appliance_id].ids
        return [content for digest, content in contents.items() if digest not in ids]

    def _create(self, connection: Connection, new: Mapping[int, Sequence[Rows]]) -> None:
        """Write contents with their arguments and params, numbered on from the greatest ID."""
        templates = self._references.learn_templates(
            connection, (content[1] for contents in new.values() for content in contents)
        )
        self._read_greatest(connection, new)
        rows: list[tuple[Any, ...]] = []
        args: list[tuple[Any, ...]] = []
        params: list[tuple[Any, ...]] = []
        for appliance_id, contents in new.items():
            known = self._known[appliance_id]
            first = (known.greatest or 0) + 1
            for number, (digest, template, localized, has_params, values, tree) in enumerate(
                contents, first
            ):
                known.ids[digest] = number
                rows.append(
                    (appliance_id, number, digest, templates[template[0]], localized, has_params)
                )
                args += [(appliance_id, number, seq, value) for seq, value in enumerate(values)]
                params += [(appliance_id, number, *param) for param in tree]
            known.greatest = first + len(contents) - 1
        db.insert(connection, tables.message_content, rows)
        db.insert(connection, tables.message_arg, args)
        db.insert(connection, tables.message_param, params)

    def _read_greatest(self, connection: Connection, appliance_ids: Iterable[int]) -> None:
        """Read the greatest ID of appliances, once for each; it grows here from then on."""
        wanted = [number for number in appliance_ids if self._known[number].greatest is None]
        for chunk in chunks(wanted):
            found = _GREATEST_ID.rows_of_each(
                connection, [{"of_appliance": number} for number in chunk]
            )
            for number, ((greatest,),) in zip(chunk, found, strict=True):
                self._known[number].greatest = greatest or 0

    def remove_unused(
        self, connection: Connection, candidates: Mapping[int, Collection[int]]
    ) -> None:
        """Delete those contents (IDs by appliance ID) that no message has any more."""
        content, message = tables.message_content, tables.message
        # By any job of the appliance, also by those that this import does not touch.
        in_use = sa.exists().where(
            message.c.appliance_id == content.c.appliance_id, message.c.content_id == content.c.id
        )
        for appliance_id, numbers in candidates.items():
            for chunk in chunks(sorted(numbers)):
                unused = connection.execute(
                    sa.select(content.c.id, content.c.digest).where(
                        content.c.appliance_id == appliance_id, content.c.id.in_(chunk), ~in_use
                    )
                ).all()
                if not unused:
                    continue
                known = self._known.get(appliance_id)
                if known is not None:
                    for row in unused:
                        known.ids.pop(row.digest, None)
                _delete(connection, appliance_id, [row.id for row in unused])


def read(
    connection: Connection, appliance_id: int, wanted: sa.Select[tuple[int]]
) -> dict[int, Content]:
    """Return an appliance's contents by ID; `wanted` is a query for their IDs.

    Arguments and params are in order. Damaged rows are returned as they are.
    """
    content, template = tables.message_content, tables.message_template
    args: dict[int, list[str]] = {}
    for row in _children(connection, tables.message_arg, appliance_id, wanted):
        args.setdefault(row.content_id, []).append(row.value)
    params: dict[int, list[ParamRow]] = {}
    for row in _children(connection, tables.message_param, appliance_id, wanted):
        params.setdefault(row.content_id, []).append(ParamRow._make(_param_columns(row)))
    query = (
        sa.select(
            content,
            template.c.digest.label("template_digest"),
            template.c.message_id,
            template.c.default_message,
        )
        .join(template, content.c.template_id == template.c.id)
        .where(content.c.appliance_id == appliance_id, content.c.id.in_(wanted))
    )
    return {
        row.id: Content(
            row.digest,
            Template(row.template_digest, row.message_id, row.default_message),
            row.localized,
            row.has_params,
            args.get(row.id, []),
            params.get(row.id, []),
        )
        for row in connection.execute(query)
    }


def _children(
    connection: Connection, table: sa.Table, appliance_id: int, wanted: sa.Select[tuple[int]]
) -> Iterable[Row[Any]]:
    """Return the rows of a table for some contents, in the order of its key."""
    query = sa.select(table).where(
        table.c.appliance_id == appliance_id, table.c.content_id.in_(wanted)
    )
    return connection.execute(query.order_by(*table.primary_key.columns))


def of_jobs(connection: Connection, jobs: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    """Return the IDs of the contents that jobs (appliance ID, job ID) have, by appliance ID."""
    message = tables.message
    wanted: dict[int, list[int]] = {}
    for appliance_id, job_id in jobs:
        wanted.setdefault(appliance_id, []).append(job_id)
    found: dict[int, set[int]] = {}
    for appliance_id, job_ids in wanted.items():
        for chunk in chunks(job_ids):
            query = sa.select(message.c.content_id).where(
                message.c.appliance_id == appliance_id, message.c.job_id.in_(chunk)
            )
            found.setdefault(appliance_id, set()).update(connection.execute(query).scalars())
    return found


def _delete(connection: Connection, appliance_id: int, numbers: Sequence[int]) -> None:
    """Delete contents of an appliance with their arguments and params."""
    # Children first: during a first load there are no constraints, so no cascades.
    for table in (tables.message_param, tables.message_arg):
        connection.execute(
            sa.delete(table).where(
                table.c.appliance_id == appliance_id, table.c.content_id.in_(numbers)
            )
        )
    content = tables.message_content
    connection.execute(
        sa.delete(content).where(content.c.appliance_id == appliance_id, content.c.id.in_(numbers))
    )
