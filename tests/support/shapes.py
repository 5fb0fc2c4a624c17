"""Statements as the archive sends them to PostgreSQL, and their shapes that Citus refuses.

What the server would say is found without one: statements are parsed, and views are looked up. Shapes are
those that Citus 13 and 14 have refused: a recursive query, or a LIMIT that is a query, beside a
distributed table; an update of the column by which rows are distributed; a condition that compares a
table with a query on a table of another class; and a join with a union, unless it is by appliance.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import psycopg
import sqlglot
from sqlglot import exp

from archive.db import tables
from archive.db.distributed import classes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_DISTRIBUTED = frozenset(table.name for table in classes.DISTRIBUTED)
_LOCAL = frozenset(table.name for table in classes.LOCAL)
_QUERIES = exp.Select | exp.Insert | exp.Update | exp.Delete | exp.SetOperation


@contextmanager
def recorded() -> Iterator[dict[str, None]]:
    """Record the texts of all statements that psycopg sends; COPY has no shape to look at."""
    found: dict[str, None] = {}

    def recording(usual: Any) -> Any:
        def send(cursor: psycopg.Cursor[Any], query: Any, *values: Any, **options: Any) -> Any:
            found[query.decode() if isinstance(query, bytes) else str(query)] = None
            return usual(cursor, query, *values, **options)

        return send

    usual = {name: getattr(psycopg.Cursor, name) for name in ("execute", "executemany", "stream")}
    with patch.multiple(psycopg.Cursor, **{name: recording(send) for name, send in usual.items()}):
        yield found


def refused(statements: Iterable[str], views: Mapping[str, str]) -> list[str]:
    """Return a line for each statement with a shape that Citus refuses: which one, and the statement."""
    return [
        f"{shape}: {' '.join(statement.split())}"
        for statement in statements
        for parsed in _parsed(statement)
        for shape in _shapes(_with_views(parsed, views))
    ]


@cache
def _parse(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, dialect="postgres")


def _parsed(statement: str) -> Iterator[exp.Expr]:
    """Yield the queries of a text; other statements, such as SET and GRANT, have no shape."""
    # The driver's marks of parameters, and its escaped percent signs.
    first = statement.split(None, 1)[0].upper() if statement.split() else ""
    if first in ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "VALUES"):
        for part in sqlglot.parse(statement.replace("%%", "%"), dialect="postgres"):
            if isinstance(part, _QUERIES):
                yield part


def _with_views(parsed: exp.Expr, views: Mapping[str, str]) -> exp.Expr:
    """Return a query with the definitions of views in their places, as a server rewrites it."""

    def expand(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Table) and node.name in views:
            return exp.Subquery(
                this=_with_views(_parse(views[node.name]), views), alias=node.args.get("alias")
            )
        return node

    return parsed.copy().transform(expand)


def _shapes(parsed: exp.Expr) -> Iterator[str]:
    """Yield the names of the refused shapes of a query."""
    if not _names(parsed) & _DISTRIBUTED:
        return
    if any(_moves(update) for update in parsed.find_all(exp.Update)):
        yield "an update of the distribution column"
    if any(clause.args.get("recursive") for clause in parsed.find_all(exp.With)):
        yield "recursion"
    for limit in parsed.find_all(exp.Limit, exp.Offset):
        if limit.find(exp.Select):
            yield "LIMIT by a query"
    for select in parsed.find_all(exp.Select):
        if _joins_union(select):
            yield "a join with a union"
        outer = _kinds(_sources(select))
        for condition in _conditions(select):
            if len(outer | _kinds(_names(condition))) > 1:
                yield "a query on a table of another class in a condition"


def _moves(update: exp.Update) -> bool:
    """Return whether an update gives rows of a distributed table to another appliance."""
    name = update.this.name
    if name not in _DISTRIBUTED:
        return False
    column = classes.distribution_column(tables.metadata.tables[name]).name
    return any(one.this.name == column for one in update.expressions)


def _names(parsed: exp.Expr) -> set[str]:
    """Return the names of all tables in a query."""
    return {table.name for table in parsed.find_all(exp.Table)} & set(tables.metadata.tables)


def _sources(select: exp.Select) -> set[str]:
    """Return the names of the tables that a query itself joins, without those in queries of its own."""
    joined = [select.args.get("from_") or select.args.get("from"), *select.args.get("joins", [])]
    found = [clause.this for clause in joined if clause is not None]
    return {one.name for one in found if isinstance(one, exp.Table)}


def _kinds(names: set[str]) -> set[str]:
    found = {"distributed"} if names & _DISTRIBUTED else set()
    return found | ({"local"} if names & _LOCAL else set())


def _joins_union(select: exp.Select) -> bool:
    """Return whether a query joins a union of distributed tables, but not by appliance."""
    joins = select.args.get("joins", [])
    first = select.args.get("from_") or select.args.get("from")
    joined = [clause.this for clause in (first, *joins) if clause is not None]
    has_union = any(
        isinstance(one, exp.Subquery) and one.find(exp.SetOperation) and _names(one) & _DISTRIBUTED
        for one in joined
    )
    conditions = [*joins, *filter(None, [select.args.get("where")])]
    by = {column.name for one in conditions for column in one.find_all(exp.Column)}
    return bool(joins) and has_union and "appliance_id" not in by


def _conditions(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the queries in EXISTS, which look at the row of the query around them."""
    where = select.args.get("where")
    if where is not None:
        yield from where.find_all(exp.Exists)
