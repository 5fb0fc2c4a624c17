"""Consecutive failures: the islands between successes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.laws.recomputed.jobs import instant, seconds

if TYPE_CHECKING:
    from tests.laws.recomputed.jobs import Asked, Exported, Row

_QUERY = f"""
WITH finished AS (
    SELECT
        scoped.*,
        count(*) FILTER (status = 'SUCCEEDED')
            OVER (PARTITION BY appliance ORDER BY place ROWS UNBOUNDED PRECEDING) AS island
    FROM scoped SEMI JOIN past USING (appliance, key)
    WHERE status IN ('SUCCEEDED', 'FAILED')
),
-- An island begins with a success, but for the first, and what follows it has failed.
island AS (
    SELECT
        appliance,
        island,
        min_by(key, place) FILTER (status = 'SUCCEEDED') AS good,
        min(made) FILTER (status = 'SUCCEEDED') AS good_start,
        min(greatest(made, coalesce(end_time, made))) FILTER (status = 'SUCCEEDED') AS good_end,
        count(*) FILTER (status = 'FAILED') AS failures,
        min_by(made, place) FILTER (status = 'FAILED') AS since
    FROM finished
    GROUP BY appliance, island
),
followed AS (
    SELECT *, lead(good_end) OVER (PARTITION BY appliance ORDER BY island) AS recovered
    FROM island
),
recovery AS (
    SELECT appliance, greatest({seconds("since", "recovered")}, 0) AS took
    FROM followed
    WHERE failures > 0 AND recovered IS NOT NULL
),
taken AS (
    SELECT appliance, count(*) AS number, sum(took) // count(*) AS mean, max(took) AS worst
    FROM recovery
    GROUP BY appliance
),
worst AS (
    SELECT DISTINCT ON (appliance) appliance, failures, since
    FROM island
    WHERE failures > 0
    ORDER BY appliance, failures DESC, island DESC
),
last AS (
    SELECT DISTINCT ON (appliance) appliance, failures, since, good, good_start, good_end
    FROM island
    ORDER BY appliance, island DESC
)
SELECT
    appliance,
    last.failures,
    {instant("last.since")},
    last.good,
    {instant("last.good_start")},
    coalesce(worst.failures, 0),
    {instant("worst.since")},
    coalesce(taken.number, 0),
    taken.mean,
    taken.worst,
    {instant("last_import.last_seen")}
FROM last
JOIN last_import USING (appliance)
LEFT JOIN worst USING (appliance)
LEFT JOIN taken USING (appliance)
ORDER BY last.failures DESC, coalesce(worst.failures, 0) DESC, appliance
"""


def streaks(exported: Exported, asked: Asked) -> list[Row]:
    """Return the rows of `streaks`."""
    exported.ask(asked)
    return exported.rows(_QUERY)
