"""All faults: what each is, on which databases, and how often `make torture` tries it at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.torture import kills, sessions, storage, together, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.judge import Budget, Tally
    from tests.torture.place import Place

    Inflict = Callable[[Place, Budget, Tally], None]

_BOTH = ("sqlite", "postgresql")
_SQLITE, _POSTGRESQL = _BOTH[:1], _BOTH[1:]


class Fault(NamedTuple):
    """A fault, as the page about reliability lists it."""

    title: str
    inflict: Inflict
    databases: tuple[str, ...] = _BOTH
    tries: int = 100

    @property
    def name(self) -> str:
        """The name of its function, by which `--fault` finds it."""
        return self.inflict.__name__


FAULTS = (
    Fault("`kill -9` before a statement of an import", kills.statements_of_imports, tries=200),
    Fault("`kill -9` before a statement of a first import", kills.statements_of_first_imports),
    Fault("`kill -9` before a statement of a collection", kills.statements_of_collections),
    Fault("`kill -9` of an import at a random time", kills.imports_at_random),
    Fault("no room for another page", storage.full_file, _SQLITE),
    Fault("disk full", storage.full_disk),
    Fault("archive read-only", storage.read_only, tries=20),
    Fault("connection cut before a statement", sessions.cut_connections, _POSTGRESQL),
    Fault("server killed and started during an import", sessions.restarts, _POSTGRESQL, 20),
    Fault("deadlock", sessions.deadlocks, _POSTGRESQL, 20),
    Fault("lock held for too long", sessions.lock_timeouts, tries=10),
    Fault("imports by eight processes at once", together.processes, tries=1_000_000),
    Fault("reader that stays open during imports", together.open_readers, tries=20),
    Fault("clock set back before an import", together.clocks_set_back, tries=50),
    Fault("damaged field, of every column", whole.damage, tries=600),
    Fault("document changed at random", whole.changed_documents, tries=1_000_000),
    Fault("copy to SQLite and back", whole.copies, tries=10),
)
