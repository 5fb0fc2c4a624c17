"""Spark reads an export as it is, and recomputes reports from it.

It runs where pyspark and Java are installed. They are larger than everything else that tests need.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from archive.db import migrate
from tests.support.command import archive, at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

spark_sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")

_TRENDS = """
SELECT month AS period, sum(finished) AS finished, sum(succeeded) AS succeeded, sum(failed) AS failed,
    sum(open) AS open, count(*) - sum(finished) - sum(open) AS other,
    sum(succeeded) / sum(finished) AS success_rate,
    sum(size_bytes) FILTER (WHERE succeeded = 1) AS size_total_bytes,
    CAST(percentile_disc(0.5) WITHIN GROUP (ORDER BY size_bytes) FILTER (WHERE succeeded = 1) AS BIGINT)
        AS size_median_bytes,
    CAST(percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_seconds) FILTER (WHERE succeeded = 1) AS BIGINT)
        AS duration_median_seconds,
    CAST(percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_seconds) FILTER (WHERE succeeded = 1) AS BIGINT)
        AS duration_p95_seconds
FROM v_job GROUP BY month ORDER BY month
"""
_SUCCESS = """
SELECT month AS period, count(*) AS jobs, sum(finished) AS finished, sum(succeeded) AS succeeded,
    sum(failed) AS failed, sum(open) AS open, count(*) - sum(finished) - sum(open) AS other,
    sum(succeeded) / sum(finished) AS success_rate, count(DISTINCT appliance) AS appliances
FROM v_job GROUP BY month ORDER BY month
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the option that names an archive of the made-up fleet."""
    engine = migrate.connect(str(tmp_path_factory.mktemp("spark") / "archive.db"))
    assert archive("demo", at(engine)).code == 0
    return at(engine)


@pytest.fixture(scope="module")
def spark(place: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a session with the exported view as a table; it needs no network."""
    lake: Path = tmp_path_factory.mktemp("exported") / "lake"
    assert archive("export", "parquet", str(lake), place).code == 0
    session = (
        spark_sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.warehouse.dir", str(lake.parent / "warehouse"))
        .getOrCreate()
    )
    session.read.parquet(str(lake / "v_job")).createOrReplaceTempView("v_job")
    yield session
    session.stop()


@pytest.mark.parametrize(("report", "query"), [("trends", _TRENDS), ("success", _SUCCESS)])
def test_reports_equal_those_of_spark(spark: Any, place: str, report: str, query: str) -> None:
    """Every figure of every month, with the median and the percentile on exact data."""
    reported = list(csv.DictReader(io.StringIO(archive("report", report, "-fcsv", place).out)))
    found = [row.asDict() for row in spark.sql(query).collect()]
    assert [list(row) for row in found] == [list(row) for row in reported]
    for row, expected in zip(found, reported, strict=True):
        assert {
            name: "" if value is None else str(value) for name, value in row.items()
        } == expected
    assert len(found) > 12
