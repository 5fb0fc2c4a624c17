"""The one place where SQLite and PostgreSQL differ."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Dialect, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from archive import instants
from archive.advice import explain
from archive.errors import DatabaseError

if TYPE_CHECKING:
    import psycopg  # SQLAlchemy imports it where it is used: it would slow every command down
    from sqlalchemy.sql.compiler import SQLCompiler

Rows = Sequence[tuple[Any, ...]]

# SQLite takes many rows in a statement in two thirds of the time; before 3.32 it took no more values.
_VALUES_A_STATEMENT = 999
# How long a writer waits for another one before it gives up.
LOCK_WAIT_SECONDS = 30
# Text is compared by code point everywhere, so that both databases sort alike.
Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


class Instant(TypeDecorator[str]):
    """An instant: `timestamptz` on PostgreSQL, the same fixed-width text in Python and SQLite."""

    impl = sa.TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of a dialect."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(sa.TIMESTAMP(timezone=True))

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the fixed-width text of what the driver returned."""
        return instants.from_datetime(value) if isinstance(value, datetime) else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what makes a text of a driver's value; None where the driver returns the text."""
        return None if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


class Day(TypeDecorator[str]):
    """A calendar day: `date` on PostgreSQL, ISO text in Python and SQLite."""

    impl = sa.Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of a dialect."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Date())

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the ISO text of what the driver returned."""
        return value.isoformat() if isinstance(value, date) else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what makes a text of a driver's value; None where the driver returns the text."""
        return None if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


class UnindexedDay(FunctionElement[str]):
    """A column of days as it is, but that SQLite looks for no rows by an index on it.

    Without statistics of ranges it takes any range of days for a narrow one.
    """

    name = "unindexed_day"
    type = Day()
    inherit_cache = True


@compiles(UnindexedDay)
def _as_it_is(element: UnindexedDay, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(UnindexedDay, "sqlite")
def _signed(element: UnindexedDay, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


def parse_url(text: str) -> URL:
    """Return the database URL of `--database`: a URL, or the path of a SQLite file.

    Raises DatabaseError for anything that is neither.
    """
    if text in ("", ":memory:"):
        raise DatabaseError(_WHICH_URL)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(_WHICH_URL) from error
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise DatabaseError(_WHICH_URL)
    if url.get_backend_name() == "sqlite" and sqlite_file(url) is None:
        raise DatabaseError(_WHICH_URL)  # in memory, it would be gone with the command
    if "@" in (url.host or ""):
        raise DatabaseError("the URL of the database has an @ in its password; write it as %40")
    return url


def shown(url: URL) -> str:
    """Return a URL as it may be shown: without its password, wherever that stands in it."""
    return url.difference_update_query(_passwords(url)).render_as_string(hide_password=True)


def has_password(url: URL) -> bool:
    """Say whether there is a password in a URL, wherever that stands in it."""
    return url.password is not None or bool(_passwords(url))


def _passwords(url: URL) -> list[str]:
    return [name for name in url.query if "password" in name.lower()]


_WHICH_URL = (
    "the database must be given as sqlite:///PATH, as postgresql://USER@HOST/NAME, "
    "or as the path of a SQLite file"
)


def create_engine(url: URL, kept: int = 0) -> Engine:
    """Return an engine whose connections agree on time zone, locking and transactions.

    Of its connections so many are `kept` when they are not in use, until it is disposed of.
    """
    options: dict[str, Any]
    if url.get_backend_name() == "sqlite":
        options = {"check_same_thread": False}  # a kept one may serve any thread
    else:
        options = {"client_encoding": "utf8"}  # whatever the environment says
    if kept:
        pooling = {"poolclass": sa.pool.QueuePool, "pool_size": kept}
    else:
        pooling = {"poolclass": sa.pool.NullPool}
    engine = sa.create_engine(url, connect_args=options, **pooling)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        if kept:
            event.listen(engine, "connect", _cache_less)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


@contextmanager
def keeping(engine: Engine, kept: int) -> Iterator[Engine]:
    """Give an engine on the same database that keeps connections, for many small transactions."""
    keeper = create_engine(engine.url, kept)
    try:
        yield keeper
    finally:
        keeper.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are ours to begin
    for pragma in (
        f"busy_timeout = {LOCK_WAIT_SECONDS * 1000}",
        "foreign_keys = ON",
        "synchronous = NORMAL",
        "cache_size = -65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _cache_less(connection: sqlite3.Connection, _record: object) -> None:
    """Keep few pages: a kept connection would hold all that it ever read or wrote."""
    connection.execute("PRAGMA cache_size = -8192")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("archive_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.execute(f"SET TIME ZONE 'UTC'; SET lock_timeout = '{LOCK_WAIT_SECONDS}s'".encode())
    connection.commit()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes: committed as a whole at the end, or not at all.

    Raises DatabaseError, with a sentence for people, for whatever the database refuses.
    """
    with _explained(engine), engine.connect() as connection:
        writer = connection.execution_options(archive_writes=True)
        if engine.dialect.name == "postgresql":
            # Who has waited for a lock must see what its last holder wrote, whatever the default.
            writer = writer.execution_options(isolation_level="READ COMMITTED")
        with writer.begin():
            yield writer


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one state of the archive, whoever writes meanwhile.

    Raises DatabaseError as `writing` does.
    """
    with _explained(engine), engine.connect() as connection:
        reader = connection
        if engine.dialect.name == "postgresql":
            reader = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with reader.begin():
            yield reader


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise DatabaseError(explain(error.orig or error, shown(engine.url))) from error
    except engine.dialect.loaded_dbapi.Error as error:  # of a statement that went to the driver
        raise DatabaseError(explain(error, shown(engine.url))) from error


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite URL; None for PostgreSQL and for a database in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def prepare_file(engine: Engine) -> None:
    """Make the file of a new SQLite archive; readers and one writer can then work side by side."""
    path = sqlite_file(engine.url)
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"the folder {path.parent} cannot be made: {error.strerror}") from error
    with _explained(engine):
        connection = engine.raw_connection()
        try:
            _use_wal(connection.cursor())
        finally:
            connection.close()


def _use_wal(cursor: Any) -> None:
    # The one statement for which SQLite does not wait while another process holds the file.
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def require_utf8(connection: Connection) -> None:
    """Raise DatabaseError unless the database can hold any text."""
    if connection.dialect.name == "postgresql":
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise DatabaseError(
                f"the database's encoding is {encoding}, but texts of any language are archived; "
                "create it with ENCODING 'UTF8' TEMPLATE template0"
            )


def lock(connection: Connection, names: Iterable[str], *, shared: bool = False) -> None:
    """Hold the named locks until the transaction ends; they are taken in one order.

    SQLite needs none: its only writer holds the whole file.
    """
    if connection.dialect.name == "postgresql":
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.exec_driver_sql(
            f"SELECT {function}(hashtextextended('archive ' || name, 0))"  # noqa: S608 - two literals
            " FROM unnest(%s::text[]) WITH ORDINALITY AS wanted (name, place) ORDER BY place",
            (sorted(set(names)),),
        )


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[bool]:
    """Hold a named lock beyond transactions; give False at once if another process has it.

    It ends with the process, however that ends. On SQLite it is a lock on a file beside the
    database, which stays. Raises DatabaseError if it cannot be asked for.
    """
    path = sqlite_file(engine.url)
    with _alone_by_server(engine, name) if path is None else _alone_by_file(path, name) as held:
        yield held


@contextmanager
def _alone_by_server(engine: Engine, name: str) -> Iterator[bool]:
    # A connection of its own that is in no transaction, and may be idle for as long as it takes.
    with ExitStack() as stack:
        with _explained(engine):
            connection = stack.enter_context(engine.connect())
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("SET idle_session_timeout = 0")
            held = connection.exec_driver_sql(
                "SELECT pg_try_advisory_lock(hashtextextended('archive alone ' || %s, 0))", (name,)
            ).scalar_one()
        yield bool(held)


@contextmanager
def _alone_by_file(path: Path, name: str) -> Iterator[bool]:
    import fcntl

    whole = path.resolve()
    lock_file = whole.with_name(f"{whole.name}-{name}.lock")
    with ExitStack() as stack:
        try:
            file = stack.enter_context(lock_file.open("a"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = False
        except OSError as error:
            raise DatabaseError(f"{lock_file}: it cannot be locked: {error.strerror}") from error
        else:
            held = True
        yield held


def insert(connection: Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows (values in the order of the table's columns) by the fastest way of the driver."""
    if not rows:
        return
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "sqlite":
        file = cast("sqlite3.Connection", connection.connection.driver_connection)
        marks = f"({', '.join('?' * len(table.columns))})"
        statement = f"INSERT INTO {table.name} ({columns}) VALUES "  # noqa: S608 - names from our own tables
        many = _VALUES_A_STATEMENT // len(table.columns)
        whole = len(rows) - len(rows) % many
        file.executemany(
            statement + ", ".join([marks] * many),
            (
                tuple(chain.from_iterable(rows[start : start + many]))
                for start in range(0, whole, many)
            ),
        )
        file.executemany(statement + marks, rows[whole:])
        return
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    types = [_BINARY[kind] for column in table.columns if (kind := type(column.type)) in _BINARY]
    form = " (FORMAT binary)" if len(types) == len(table.columns) else ""
    statement = f"COPY {table.name} ({columns}) FROM STDIN{form}"
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        if form:
            copy.set_types(types)
        for row in rows:
            copy.write_row(row)


# PostgreSQL takes these faster in its own form; instants and days are text here, and stay so.
_BINARY: dict[type[TypeEngine[Any]], str] = {
    sa.BigInteger: "int8",
    sa.Integer: "int4",
    sa.Boolean: "bool",
    sa.Double: "float8",
    sa.LargeBinary: "bytea",
    sa.Text: "text",
}


@contextmanager
def constraints_last(connection: Connection, names: Sequence[str]) -> Iterator[None]:
    """Check the foreign keys of tables at the end, all at once, rather than row by row.

    For tables that are empty: on PostgreSQL the checks are then joins, which take far less
    time. Nobody else can read the tables until the transaction ends. SQLite has no faster way, and
    a user who does not own the tables has to take the slower one.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    found = connection.exec_driver_sql(
        "SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),"
        " format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,"
        " pg_get_constraintdef(pg_constraint.oid))"
        " FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
        " WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])"
        " AND pg_has_role(relowner, 'USAGE') ORDER BY conrelid, conname",
        (list(names),),
    ).all()
    if found:
        # Others lock a table before those that it refers to, which were made before it.
        locked = connection.exec_driver_sql(
            "SELECT DISTINCT one::regclass::text AS name, one FROM pg_constraint"
            " CROSS JOIN unnest(ARRAY[conrelid, confrelid]) AS relation (one)"
            " WHERE contype = 'f' AND conrelid = ANY (%s::regclass[]) ORDER BY one DESC",
            (list(names),),
        ).all()
        for name, _ in locked:
            connection.exec_driver_sql(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
    for drop, _ in found:
        connection.exec_driver_sql(drop)
    yield
    for _, add in found:
        connection.exec_driver_sql(add)


def upsert(connection: Connection, table: sa.Table, rows: Rows, changed: Sequence[str]) -> None:
    """Insert whole rows; where the primary key exists already, update the `changed` columns."""
    if not rows:
        return
    make: Any
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as make
    else:
        from sqlalchemy.dialects.postgresql import insert as make
    statement = make(table)
    statement = statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in changed},
    )
    names = table.columns.keys()
    connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


def comment(connection: Connection, comments: Iterable[tuple[str, str | None, str]]) -> None:
    """Write comments of tables, views and their columns (name, column, text) that are not there yet.

    None for the column is the table or view itself. SQLite has no comments.
    """
    if connection.dialect.name != "postgresql":
        return
    wanted = [list(part) for part in zip(*comments, strict=True)]
    found = connection.exec_driver_sql(
        "SELECT format('COMMENT ON %%s %%s%%s IS %%L', CASE WHEN attname IS NOT NULL THEN 'COLUMN'"
        " WHEN relkind = 'v' THEN 'VIEW' ELSE 'TABLE' END, pg_class.oid::regclass,"
        " '.' || quote_ident(attname), wanted.text)"
        " FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted (relation, name, text)"
        " INNER JOIN pg_class ON pg_class.oid = to_regclass(quote_ident(wanted.relation))"
        " LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attname = wanted.name"
        " WHERE wanted.text IS DISTINCT FROM CASE WHEN wanted.name IS NULL"
        " THEN obj_description(pg_class.oid, 'pg_class')"
        " ELSE col_description(pg_class.oid, attnum) END"
        " AND (wanted.name IS NULL) = (attname IS NULL)",
        tuple(wanted),
    ).scalars()
    for statement in found.all():
        connection.exec_driver_sql(statement.replace("%", "%%"))


def contains(connection: Connection, column: sa.Column[Any], part: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text has a part; ASCII letters are the same in either case.

    The column has the type `Text`, so that PostgreSQL knows no other letters, either.
    """
    if connection.dialect.name == "sqlite":
        return column.contains(part, autoescape=True)  # LIKE takes them for the same
    return column.icontains(part, autoescape=True)


def complaints(connection: Connection) -> list[str]:
    """Return what the database itself finds wrong with its file or its references."""
    if connection.dialect.name != "sqlite":
        return []
    found = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [text for text in found if text != "ok"] + [
        f"{table}: row {row} refers to a row of {parent} that is not there"
        for table, row, parent, _ in broken
    ]
