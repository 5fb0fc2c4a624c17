"""Exported jobs in DuckDB, as tables from which reports can be recomputed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

# `made` is when a job started, as well as it says. `place` is that in the order of starts, in which
# one without a start stands on its day where it was first seen.
_LOAD = """
CREATE TABLE job AS
WITH line AS (
    SELECT
        appliance,
        job AS key,
        info,
        info->>'status' AS status,
        info->>'type' AS type,
        CAST(info->>'start_time' AS TIMESTAMP) AS start_time,
        CAST(info->>'end_time' AS TIMESTAMP) AS end_time,
        CAST(info->>'duration' AS BIGINT) AS duration,
        CAST(info->>'size' AS BIGINT) AS size,
        (info->'build'->>'version') || ' (' || (info->'build'->>'build_number') || ')' AS build,
        regexp_replace(info->>'location', '/vCenter/sn_.*$', '') AS location,
        CAST(seen->>'first' AS TIMESTAMP) AS first_seen,
        CAST(seen->>'last' AS TIMESTAMP) AS last_seen
    FROM read_json(
        $path,
        format = 'newline_delimited',
        columns = {appliance: 'VARCHAR', job: 'VARCHAR', info: 'JSON', seen: 'JSON'}
    )
),
dated AS (
    SELECT
        * REPLACE (
            coalesce(
                duration,
                CASE
                    WHEN status IN ('SUCCEEDED', 'FAILED') AND end_time >= start_time
                    THEN (epoch_us(end_time) - epoch_us(start_time)) // 1000000
                END
            ) AS duration
        ),
        coalesce(start_time, try_strptime(left(key, 15), '%Y%m%d-%H%M%S'), first_seen) AS made,
        coalesce(start_time, first_seen) AS moment
    FROM line
)
SELECT
    *,
    CAST(made AS DATE) AS day,
    row_number() OVER (PARTITION BY appliance ORDER BY CAST(made AS DATE), moment, key) AS place
FROM dated
"""

# When the appliances reported: each answer is the first or last to contain some job.
_LAST_IMPORTS = """
CREATE TABLE import AS
SELECT appliance, first_seen AS seen_at FROM job
UNION
SELECT appliance, last_seen FROM job
"""

_ASKED = """
CREATE OR REPLACE TABLE asked AS
SELECT
    CAST($now AS TIMESTAMP) AS now,
    CAST($since AS DATE) AS since,
    CAST($until AS DATE) AS until
"""

_VIEWS = """
CREATE OR REPLACE VIEW last_import AS
SELECT appliance, min(seen_at) AS first_seen, max(seen_at) AS last_seen
FROM import
WHERE appliance GLOB (SELECT appliances FROM globs)
GROUP BY appliance;

CREATE OR REPLACE VIEW theirs AS
SELECT job.* FROM job SEMI JOIN last_import USING (appliance);

CREATE OR REPLACE VIEW scoped AS
SELECT theirs.*
FROM theirs, asked
WHERE (since IS NULL OR day >= since) AND (until IS NULL OR day <= until);

CREATE OR REPLACE VIEW past AS
SELECT theirs.* FROM theirs, asked WHERE start_time IS NULL OR (start_time <= now AND start_time <= last_seen)
"""

Row = tuple[Any, ...]


class Asked(NamedTuple):
    """The scope of a report; `appliances` is a glob, `cadences` and `rpo` are in seconds."""

    now: str
    since: str | None = None
    until: str | None = None
    appliances: str = "*"
    rpo: int | None = None
    cadences: tuple[tuple[str, int], ...] = ()
    by: str | None = None


class Exported:
    """The jobs of an export; `outcomes` are judged appliances, which take long to compute."""

    def __init__(self, lines: Path) -> None:
        self.outcomes: dict[tuple[Any, ...], Any] = {}
        self._database = duckdb.connect(config={"threads": 1})
        self._database.execute(_LOAD, {"path": str(lines)})
        self._database.execute(_LAST_IMPORTS)

    def ask(self, asked: Asked) -> None:
        """Set the scope that the views use."""
        dates = {name: getattr(asked, name) for name in ("now", "since", "until")}
        self._database.execute(_ASKED, dates)
        glob = {"glob": asked.appliances}
        self._database.execute("CREATE OR REPLACE TABLE globs AS SELECT $glob AS appliances", glob)
        self._database.execute(_VIEWS)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def rows(self, query: str, **values: Any) -> list[Row]:
        """Return the rows of a query."""
        return self._database.execute(query, values or None).fetchall()


def instant(column: str) -> str:
    """Return the SQL of a timestamp as reports write it."""
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%fZ')"


def seconds(start: str, end: str) -> str:
    """Return the SQL of the whole seconds from one timestamp to another."""
    return f"((epoch_us({end}) - epoch_us({start})) // 1000000)"
