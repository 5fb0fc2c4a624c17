"""The queries in `sql/` by name, with their params and rows.

Each file is complete SQL that also runs in psql and in the sqlite3 shell. Its first line is its title.
Its params are in a first CTE `param`, one literal a line. A given value replaces the literal as a bound
parameter, so values never become part of the SQL.

If SQLite and PostgreSQL need different SQL, a query has two files, `NAME.sqlite.sql` and
`NAME.postgresql.sql`, with the same title, params and columns.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from archive import db, timestamps
from archive.db import migrate
from archive.errors import UsageError
from archive.suggestions import suggestion
from archive.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sqlalchemy.engine import Connection

# The first CTE of a query, with a param on each line; a test checks every file for the form.
_PARAM_CTE = re.compile(
    r"^WITH (?:RECURSIVE )?param AS \(\n    SELECT\n(?P<lines>.*?)^\)", re.MULTILINE | re.DOTALL
)
_PARAM_LINE = re.compile(
    r"^ +(?P<default>\(SELECT day FROM v_today\)|\d+|'[^'\n]*') AS (?P<name>\w+),? *-- (?P<comment>.+)$",
    re.MULTILINE,
)
# The number of rows as a query has it for psql; Citus takes only a value there.
_LIMIT = re.compile(r"^LIMIT \(SELECT (?P<name>\w+) FROM param\)", re.MULTILINE)
# The default of a param that is a day: today in the archive's calendar.
_TODAY = "(SELECT day FROM v_today)"
# Fits into 64 bits.
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


class Param(NamedTuple):
    """A param of a query: `default` is its literal in the file, `place` the position of that.

    `comment` is the text after the literal, which says what the param means.
    """

    name: str
    default: str
    comment: str
    place: tuple[int, int]

    @property
    def value(self) -> str:
        """The default in the form of a given value."""
        return "today" if self.default == _TODAY else self.default.strip("'")

    @property
    def type(self) -> sa.types.TypeEngine[Any]:
        """The SQL type of its values, derived from the default."""
        if self.default == _TODAY:
            return db.Day()
        return db.Text if self.default.startswith("'") else sa.BigInteger()


class Query(NamedTuple):
    """One file of `sql/`."""

    name: str
    text: str

    @property
    def title(self) -> str:
        """The title: the first line of the file."""
        return self.text.partition("\n")[0].removeprefix("--").strip()

    @property
    def params(self) -> tuple[Param, ...]:
        """The params in the order of the file."""
        cte = _PARAM_CTE.search(self.text)
        lines = _PARAM_LINE.finditer(self.text, *cte.span("lines")) if cte else ()
        return tuple(
            Param(line["name"], line["default"], line["comment"], line.span("default"))
            for line in lines
        )


class Result(NamedTuple):
    """The rows of a query, with the same plain values on either database.

    Instants and days are ISO texts, whole decimals are integers.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def names() -> list[str]:
    """Return the names of all queries."""
    return sorted({_name(path) for path in _files()})


def queries() -> list[Query]:
    """Return all queries, by name."""
    return [find(name, "sqlite") for name in names()]


def find(name: str, dialect: str) -> Query:
    """Return the query with a name, for `sqlite` or `postgresql`.

    Raises UsageError, listing the names, for an unknown name.

    The file is read each time; the folder belongs to the package, or to the checkout.
    """
    for path in _files():
        if path.name in (f"{name}.sql", f"{name}.{dialect}.sql"):
            return Query(name, path.read_text(encoding="utf-8"))
    raise UsageError(f"unknown query {quoted(name)}{suggestion(name, names())}")


def run(connection: Connection, query: Query, values: Mapping[str, str]) -> Result:
    """Run a query; params that are not in `values` keep their defaults.

    Raises UsageError for an unknown param, or a value of the wrong type.

    Unlike in a shell, values are bound and typed; the file itself is never changed.
    """
    params = {param.name: param for param in query.params}
    text = query.text
    bound = []
    for name, value in values.items():
        if name not in params:
            raise UsageError(
                f"query {query.name}: unknown param {quoted(name)}{suggestion(name, params)}"
            )
        bound.append(sa.bindparam(name, _read(params[name], value), params[name].type))
    # From the end, so that the places of the others stay valid.
    for param in sorted(query.params, key=lambda param: param.place, reverse=True):
        if param.name in values:
            start, end = param.place
            text = f"{text[:start]}:{param.name}{text[end:]}"
    # Numbers only, which `_read` has checked.
    text = _LIMIT.sub(
        lambda limit: f"LIMIT {values.get(limit['name'], params[limit['name']].value)}", text
    )
    result = connection.execute(sa.text(text).bindparams(*bound))
    return Result(tuple(result.keys()), [tuple(map(plain, row)) for row in result])


def _files() -> Iterable[Path]:
    """Return the files with queries; both files of a query that needs two."""
    return migrate.folder("sql").glob("*.sql")


def _name(path: Path) -> str:
    """Return the name of a query: that of its file up to the first dot."""
    return path.name.partition(".")[0]


def _read(param: Param, value: str) -> int | str:
    """Return a value in the type of its param. Raises UsageError."""
    if param.default == _TODAY:
        return _read_day(param.name, value)
    if param.default.startswith("'"):
        # A backslash in a pattern means different things in different databases.
        if "\\" in value or not value.isprintable():
            raise UsageError(f"{param.name}: {value!r} has a backslash or an unprintable character")
        return value
    if not _NUMBER.fullmatch(value):
        raise UsageError(f'{param.name}: invalid number "{value}": write a whole number, 0 or more')
    return int(value)


def _read_day(name: str, value: str) -> str:
    """Return a day as the database has it. Raises UsageError unless it is YYYY-MM-DD."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    # Python reads other forms, too.
    if day is None or day.isoformat() != value:
        raise UsageError(f'{name}: invalid date "{value}": write it as YYYY-MM-DD')
    return value


def plain(value: Any) -> Any:
    """Return a value as SQLite would give it: instants and days as text, numbers as numbers.

    Bytes are hexadecimal. Of other types, which only a user's own query gives, the text is returned.
    """
    if isinstance(value, datetime):
        return timestamps.from_datetime(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        if not value.is_finite():
            return str(value)
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
