"""Views with a recursive query, which Citus refuses beside distributed tables: written without one there.

By recursion PostgreSQL steps from one name to the next along an index, past the many attempts of each.
Without it, it reads all attempts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.db import comments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection

# As PostgreSQL shows it; the names of appliances that collections asked.
_ASKED = re.compile(r"WITH RECURSIVE asked\(name\) AS \(.*?\n\s+\)\n", re.DOTALL)
_WITHOUT = "WITH asked(name) AS (SELECT DISTINCT appliance_name FROM attempt)\n"
_DEFINITIONS = """
SELECT relname, pg_get_viewdef(pg_class.oid) FROM pg_class
WHERE oid = ANY (SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)
"""


def recursive(connection: Connection) -> dict[str, str]:
    """Return the definitions of the archive's views that are recursive, by name."""
    found = connection.exec_driver_sql(_DEFINITIONS, (list(comments.VIEWS),))
    return {name: text for name, text in found if "WITH RECURSIVE" in text}


def avoid_recursion(connection: Connection) -> None:
    """Replace the recursive views by equal ones without recursion."""
    found = recursive(connection)
    replace(connection, {name: _ASKED.sub(_WITHOUT, text) for name, text in found.items()})


def replace(connection: Connection, definitions: Mapping[str, str]) -> None:
    """Replace views, which keep their comments and rights."""
    for name, text in definitions.items():
        connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {name} AS {text}".replace("%", "%%"))
