"""The report `failures`, recomputed."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.laws.recomputed.jobs import instant

if TYPE_CHECKING:
    from tests.laws.recomputed.jobs import Asked, Exported, Row

# One row per message of a failed job, `nth` from 1; a job without messages has one row without an id.
_SAID = """
CREATE OR REPLACE TEMP TABLE said AS
WITH failed AS (
    SELECT *, coalesce(json_extract(info, '$.error.value'), json_extract(info, '$.error')) AS error
    FROM theirs
    WHERE status = 'FAILED'
),
listed AS (
    SELECT
        *,
        CAST(coalesce(json_extract(info, '$.messages[*]'), []) AS JSON[])
        || CAST(coalesce(json_extract(error, '$.messages[*]'), []) AS JSON[]) AS messages
    FROM failed
)
SELECT
    * EXCLUDE (info, error, messages),
    unnest(CASE WHEN len(messages) = 0 THEN [NULL] ELSE messages END) AS message,
    unnest(range(1, greatest(len(messages), 1) + 1)) AS nth
FROM listed
"""

_QUERY = f"""
WITH message_row AS (
    SELECT said.*, message->>'id' AS id, {{group}} AS "group"
    FROM said
),
old AS (
    SELECT DISTINCT id
    FROM message_row, asked
    WHERE moment < now - INTERVAL 7 DAY
),
job_said AS (
    SELECT message_row.*
    FROM message_row SEMI JOIN scoped USING (appliance, key)
)
SELECT
    id,
    job_said."group",
    count(DISTINCT (appliance, key)) AS jobs,
    count(*) FILTER (nth = 1) AS leading,
    count(DISTINCT appliance),
    {instant("min(moment)")},
    {instant("max(moment)")},
    CASE WHEN id IS NOT NULL THEN id NOT IN (SELECT id FROM old WHERE id IS NOT NULL) END,
    min(coalesce(message->>'localized', message->>'default_message')),
    list(message)
FROM job_said
GROUP BY id, job_said."group"
ORDER BY jobs DESC, id NULLS LAST, job_said."group" NULLS LAST
"""

_GROUPS = {
    None: "CAST(NULL AS VARCHAR)",
    "build": "build",
    "location": "location",
    "day": "CAST(day AS VARCHAR)",
}


def failures(exported: Exported, asked: Asked) -> list[Row]:
    """Return the rows of `failures`."""
    exported.ask(asked)
    exported.rows(_SAID)
    found = exported.rows(_QUERY.format(group=_GROUPS[asked.by]))
    return [(*row[:-2], _varies(row[-1]), row[-2]) for row in found]


def _varies(messages: list[str | None]) -> str | None:
    """Return the arguments and their numbers of values."""
    values: dict[str, set[str]] = defaultdict(set)
    for message in messages:
        content: dict[str, Any] = json.loads(message) if message else {}
        for place, arg in enumerate(content.get("args", []), 1):
            values[f"#{place}"].add(arg)
        for name, param in (content.get("params") or {}).items():
            values[name].add(json.dumps(param, sort_keys=True))
    varying = [
        f"{name} ({len(values[name])} values)" for name in sorted(values) if len(values[name]) > 1
    ]
    return ", ".join(varying) or None
