from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyarrow import dataset
from pyarrow import parquet as pq

from archive import db, extras
from archive.db import Day, Instant, seals, tables
from archive.export import parquet, relations, text, view_columns
from archive.store.selection import Extent
from tests.support.archives import each, import_documents
from tests.support.command import PROGRAM, archive, at, environment
from tests.support.laws import EXAMPLES
from tests.support.samples import SAMPLES, job
from tests.support.strategies import documents

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

KEY = "20260301-021500-1"
SECRET = "hunter2"  # noqa: S105 - to look for it
STRANGE = job(location=f"sftp://backup:{SECRET}@nas/srv", surprise=1.50, size=2**53 + 1)
OF_JOBS = (
    "anomaly", "irregular_document", "job", "job_error", "job_finding", "job_status", "message",
    "v_job",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(shared_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an export of the samples and of values that are hard to write."""
    import_documents(shared_engine, SAMPLES, "vc01")
    import_documents(shared_engine, {KEY: STRANGE}, "vc02")
    path = tmp_path_factory.mktemp("parquet") / "new" / "folder"
    done = archive("export", "parquet", str(path), at(shared_engine))
    number = len(relations.table_names())
    assert done == (0, "", f"{number} tables and 1 view written to {path}.\n")
    return path


def read(path: Path) -> list[tuple[Any, ...]]:
    """Return the rows of a table as Python values, without the month that only its path has."""
    found = pq.ParquetDataset(path).read() if path.is_dir() else pq.read_table(path)
    if path.is_dir():
        found = found.drop_columns("month")
    columns = ([_utc(value) for value in column.to_pylist()] for column in found.columns)
    return list(zip(*columns, strict=True))


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def stored(engine: Engine, relation: relations.Relation, month: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - of the test
    """Return the rows of a table in the archive as Parquet has them."""
    kept = relation.without("month") if month else relation
    types = [type(column.type) for column in kept.columns]
    with db.reading(engine) as connection:
        rows = [
            row
            for part in relations.partitions(connection, kept, kept.select(Extent()))
            for row in part
        ]
    return [tuple(map(_value, types, row)) for row in rows]


def _value(kind: Any, value: Any) -> Any:
    if value is not None and kind is Instant:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if value is not None and kind is Day else value


def test_one_file_per_table_and_month(folder: Path) -> None:
    """Tables of jobs have a file for each month with jobs, even an empty one; others have one."""
    names = [*relations.table_names(), "v_job"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        name if name in OF_JOBS else f"{name}.parquet" for name in names
    )
    months = sorted({key[:4] + "-" + key[4:6] for key in (*SAMPLES, KEY)})
    for name in OF_JOBS:
        parts = sorted(
            str(path.relative_to(folder / name)) for path in (folder / name).rglob("*.*")
        )
        assert parts == [f"month={month}/part-0.parquet" for month in months]
    assert read(folder / "job_error" / "month=2026-03" / "part-0.parquet") == []


def test_every_value_is_read_back(folder: Path, shared_engine: Engine) -> None:
    """Each table has the archive's values and types; those of jobs are ordered by month."""
    for name in relations.table_names():
        relation = relations.table(name)
        month = name in OF_JOBS
        found = read(folder / name if month else folder / f"{name}.parquet")
        wanted = stored(shared_engine, relation, month)
        assert sorted(map(repr, found)) == sorted(map(repr, wanted)), name
        if not month:
            assert found == wanted


def test_types_are_widely_supported(folder: Path) -> None:
    """Microseconds in UTC, signed 64-bit integers; nothing that Spark refuses."""
    kinds = set()
    for path in folder.rglob("*.parquet"):
        kinds |= {(str(field.type)) for field in pq.read_schema(path)}
    assert kinds == {
        "binary", "bool", "date32[day]", "double", "int64", "string", "timestamp[us, tz=UTC]",
    }  # fmt: skip
    schema = pq.read_schema(folder / "v_job" / "month=2026-03" / "part-0.parquet")
    assert "month" not in schema.names
    assert str(schema.field("day").type) == "date32[day]"
    assert str(schema.field("start_time").type) == "timestamp[us, tz=UTC]"


def test_duckdb_reads_it(folder: Path) -> None:
    """Types and values are right in DuckDB; the month is a column."""
    found = duckdb.execute(
        "SELECT appliance, key, typeof(start_time), epoch_us(start_time), typeof(day),"
        " CAST(day AS VARCHAR), size_bytes, month, typeof(month), user_name IS NULL"
        f" FROM '{folder}/v_job/*/*.parquet' WHERE month = '2026-03' AND appliance = 'vc02'"
    ).fetchall()
    start = datetime.fromisoformat(STRANGE["start_time"])
    micros = (start - datetime(1970, 1, 1, tzinfo=UTC)) // (
        datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    )
    assert found == [
        ("vc02", KEY, "TIMESTAMP WITH TIME ZONE", micros, "DATE", start.date().isoformat(),
         2**53 + 1, "2026-03", "VARCHAR", "user" not in STRANGE)
    ]  # fmt: skip
    for name in OF_JOBS:
        duckdb.execute(f"SELECT count(*) FROM '{folder}/{name}/*/*.parquet'").fetchall()


def test_arrow_reads_it_as_one_dataset(folder: Path) -> None:
    """The folders of months are the Hive partitions of Arrow, pandas and Spark."""
    jobs = dataset.dataset(folder / "job", partitioning="hive")
    assert jobs.count_rows() == len(SAMPLES) + 1
    wanted = dataset.field("month") == "2026-03"
    assert KEY in jobs.to_table(filter=wanted)["key"].to_pylist()


def test_passwords_are_hidden(folder: Path) -> None:
    """No table shows the password of a location's URL."""
    for path in folder.rglob("*.parquet"):
        assert SECRET not in repr(pq.read_table(path).to_pylist()), path
    (row,) = [
        row
        for row in pq.read_table(folder / "location.parquet").to_pylist()
        if "backup:" in row["url"]
    ]
    assert row["url"] == row["masked_url"] == "sftp://backup:***@nas/srv"
    assert [json.loads(row[-1])["surprise"] for row in read(folder / "irregular_document")][
        -1
    ] == 1.5


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],
)
@given(st.dictionaries(st.sampled_from(["x", "y", KEY]), documents(), min_size=1, max_size=3))
def test_any_document_is_read_back(
    engines: list[Engine], tmp_path_factory: pytest.TempPathFactory, jobs: dict[str, Any]
) -> None:
    """Parquet has every archived document, the same from either database, row for row."""
    files = []
    for engine in each(engines):
        import_documents(engine, jobs)
        path = tmp_path_factory.mktemp("parquet")
        with db.reading(engine) as connection:
            months = relations.months(connection, Extent())
            for name in OF_JOBS[:-1]:
                parquet.write_folder(connection, relations.table(name), Extent(), months, path)
            parquet.write_folder(connection, relations.view("v_job"), Extent(), months, path)
        found = {name: read(path / name) for name in OF_JOBS}
        files.append(found)
        for name in OF_JOBS[:-1]:
            wanted = stored(engine, relations.table(name))
            assert sorted(map(repr, found[name])) == sorted(map(repr, wanted))
        wanted = stored(engine, relations.view("v_job"))
        assert sorted(map(repr, found["v_job"])) == sorted(map(repr, wanted))
    assert repr(files[0]) == repr(files[1])


def test_row_groups_are_bounded(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row group has a limited number of rows and bytes."""
    import_documents(engine, SAMPLES, "vc01")
    monkeypatch.setattr(relations, "_ROWS_AT_A_TIME", 2)
    path = tmp_path / "args.parquet"
    order = ["export", "parquet", "--table", "message_arg", "-o", str(path), at(engine)]
    number = len(stored(engine, relations.table("message_arg")))
    for limit, groups in (("_GROUP_ROWS", 4), ("_GROUP_BYTES", 1)):
        with monkeypatch.context() as patched:
            patched.setattr(parquet, limit, groups)
            assert archive(*order).code == 0
        of = pq.ParquetFile(path)
        found = [of.metadata.row_group(each).num_rows for each in range(of.num_row_groups)]
        size = 4 if groups == 4 else 2
        assert found[:-1] == [size] * (-(-number // size) - 1)
        assert read(path) == stored(engine, relations.table("message_arg"))


def test_single_table_goes_to_standard_output(engine: Engine, tmp_path: Path) -> None:
    """A table or a view can go through a pipe, or into a file, with all of its columns."""
    import_documents(engine, SAMPLES, "vc01")
    path = tmp_path / "one.parquet"
    order = ["export", "parquet", at(engine)]
    assert archive(*order, "--table", "appliance", "-o", str(path)) == (0, "", "")
    assert read(path) == stored(engine, relations.table("appliance"))
    assert archive(*order, "--view", "v_job", "-o", str(path)) == (0, "", "")
    assert "month" in pq.read_schema(path).names
    assert len(read(path)) == len(SAMPLES)
    piped(path, *order, "--table", "message", "-o", "-")
    assert read(path) == stored(engine, relations.table("message"))


def piped(path: Path, *order: str) -> None:
    """Write into a file what the command writes into a pipe."""
    done = subprocess.run([*PROGRAM, *order], stdout=subprocess.PIPE, check=True, env=environment())
    path.write_bytes(done.stdout)


def test_folder_is_written_completely_or_not_at_all(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full there is no folder, and no temporary one is left."""
    import_documents(engine, SAMPLES, "vc01")
    write = parquet.write_folder

    def fail(connection: Any, relation: Any, *arguments: Any) -> None:
        write(connection, relation, *arguments)
        if relation.name == "message":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_folder", fail)
    path = tmp_path / "folder"
    done = archive("export", "parquet", str(path), at(engine))
    said = f"archive: {path}: cannot write: No space left on device\n"
    assert done == (1, "", said)
    assert list(tmp_path.iterdir()) == []


def test_folder_with_other_files_is_left_alone(engine: Engine, tmp_path: Path) -> None:
    """Old and new files would be read as one table; an empty folder is accepted."""
    (tmp_path / "mine").touch()
    done = archive("export", "parquet", str(tmp_path), at(engine))
    said = f"archive: {tmp_path}: the folder is not empty: name a new one\n"
    assert done == (1, "", said)
    said = "archive: /: the folder is not empty: name a new one\n"
    assert archive("export", "parquet", "/", at(engine)) == (1, "", said)
    (tmp_path / "mine").unlink()
    assert archive("export", "parquet", str(tmp_path), at(engine)).code == 0
    (tmp_path / "file").touch()
    done = archive("export", "parquet", str(tmp_path / "file" / "x"), at(engine))
    assert (done.code, done.err) == (
        1, f"archive: {tmp_path / 'file' / 'x'}: cannot create the folder: Not a directory\n",
    )  # fmt: skip


def test_empty_archive(engine: Engine, tmp_path: Path) -> None:
    """Without jobs there are no months; the other tables have their columns."""
    assert archive("export", "parquet", str(tmp_path / "a"), at(engine)).code == 0
    assert {path.name for path in (tmp_path / "a").iterdir()}.isdisjoint(OF_JOBS)
    found = pq.read_table(tmp_path / "a" / "appliance.parquet")
    columns = [column.name for column in seals.facts(tables.appliance)]
    assert (found.num_rows, found.column_names) == (0, columns)


def test_increments(engine: Engine, tmp_path: Path) -> None:
    """With an import number only later jobs are exported; small tables are complete."""
    import_documents(engine, SAMPLES, "vc01")
    import_documents(engine, {**SAMPLES, KEY: job()}, "vc01", "2026-07-25T12:00:00.000000Z")
    path = tmp_path / "new"
    done = archive("export", "parquet", str(path), "--after", "1", at(engine))
    assert (done.code, done.out) == (0, ""), done.err
    assert done.err.endswith(f" written to {path}.\nFor the next export, use --after 2\n")
    assert [place.name for place in (path / "job").iterdir()] == ["month=2026-03"]
    assert pq.ParquetDataset(path / "v_job").read()["key"].to_pylist() == [KEY]
    assert read(path / "build.parquet") == stored(engine, relations.table("build"))


def test_missing_extra(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the error says what to install, and nothing is created."""
    monkeypatch.delitem(sys.modules, "archive.export.parquet")
    monkeypatch.delattr("archive.export.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = archive("export", "parquet", str(tmp_path / "a"), at(engine))
    said = f'archive: Parquet needs the extra "parquet"; {extras.advice("parquet")}\n'
    assert done == (1, "", said)
    assert list(tmp_path.iterdir()) == []


# Their rows may lack a job.
OF_EXPECTED = ("v_expected_backup", "v_missed")


def test_views_have_the_columns_of_the_schema(engine: Engine) -> None:
    """Views are exported with all of their columns, in their order."""
    inspector = sa.inspect(engine)
    # Citus has some of its own in the same schema.
    names = [name for name in inspector.get_view_names() if not name.startswith("citus_")]
    assert sorted(view_columns.VIEWS) == sorted(names)
    of_jobs = [name for name, columns in view_columns.VIEWS.items() if columns[-1][0] == "job_id"]
    assert sorted([*view_columns.JOB_VIEWS, *OF_EXPECTED]) == sorted(of_jobs)
    for name, columns in view_columns.VIEWS.items():
        there = [column["name"] for column in inspector.get_columns(name)]
        assert [column for column, _ in columns] == there
    import_documents(engine, SAMPLES, "vc01")
    with db.reading(engine) as connection:
        for name in view_columns.VIEWS:
            found = list(text.rows(connection, relations.view(name)))
            number = connection.scalar(sa.text(f"SELECT count(*) FROM {name}"))
            assert len(found) == number
