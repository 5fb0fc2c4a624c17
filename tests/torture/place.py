"""Where faults are tried: an archive, a server if there is one, and an archive without faults beside it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from archive.db import migrate
from tests.support import postgres
from tests.support.archives import empty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine

    from tests.support.forking import Forking


class Place(NamedTuple):
    """An archive to try faults on.

    `undisturbed` is an archive on SQLite into which everything is imported without faults; `forking`
    runs the command. `step` is the distance between the statements at which something happens.
    """

    engine: Engine
    undisturbed: Engine
    folder: Path
    forking: Forking
    step: int = 1
    server: postgres.Running | None = None

    @property
    def name(self) -> str:
        """The name of the database."""
        return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[self.engine.dialect.name]

    @contextmanager
    def beside(self, name: str) -> Iterator[Engine]:
        """Give another new archive on the same kind of database."""
        with ExitStack() as stack:
            url = str(self.folder / f"{name}.db")
            if self.server is not None:
                url = stack.enter_context(postgres.new_database(self.server.url))
            engine = migrate.connect(url)
            migrate.upgrade(engine)
            yield engine
            engine.dispose()


def on(
    engine: Engine,
    folder: Path,
    forking: Forking,
    *,
    step: int = 1,
    server: postgres.Running | None = None,
) -> Place:
    """Return a place with an archive that exists; it is emptied."""
    undisturbed = migrate.connect(str(folder / "undisturbed.db"))
    if migrate.current(undisturbed) is None:
        migrate.upgrade(undisturbed)
    for one in (engine, undisturbed):
        empty(one)
    return Place(engine, undisturbed, folder, forking, step, server)
