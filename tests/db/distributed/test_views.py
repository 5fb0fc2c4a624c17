"""Views that a distributed archive has in another form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive import db
from archive.db import migrate
from archive.db.distributed import views
from tests.support import everything

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

QUERY = "SELECT * FROM v_standing ORDER BY appliance"


def test_views_without_recursion_have_the_same_rows(postgresql_archive: Engine) -> None:
    """Also those of appliances that never answered; and the views of a new archive restore them."""
    everything.fill(postgresql_archive)
    with db.writing(postgresql_archive) as connection:
        before = connection.exec_driver_sql(QUERY).all()
        recursive = views.recursive(connection)
        assert list(recursive) == ["v_standing"]
        views.avoid_recursion(connection)
        assert views.recursive(connection) == {}
        assert connection.exec_driver_sql(QUERY).all() == before
        assert None in {row.appliance_id for row in before}
        with migrate.new_and_empty(postgresql_archive) as other:
            views.replace(connection, views.recursive(other))
        assert views.recursive(connection) == recursive
        connection.rollback()
