"""A monitored fleet: four appliances, one that never answered, and one with a hostile name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive import timestamps
from archive.store import collection_log
from archive.store.collection_log import Attempt
from tests.reports import nights
from tests.reports.nights import at, night
from tests.support.archives import import_documents
from tests.support.copies import copied

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

HOSTILE = 'vc4 "\\|{ä}=,#'
UNHEARD = "vc5.example.com"
ASKED = at("2026-03-11T07:00")


@copied
def load(engine: Engine) -> None:
    """Fill an archive, with the clock at 7:00."""
    with pytest.MonkeyPatch.context() as stopped:
        stopped.setattr(timestamps, "now", lambda: ASKED)
        nights.load(engine)
        # Otherwise it would be stuck.
        ended = dict([night("2026-03-09T01:00", "FAILED")])
        import_documents(engine, ended, nights.SCHEDULED, at("2026-03-11T06:00"))
        failed = dict([night("2026-03-11T01:00", "FAILED")])
        import_documents(engine, {**failed, "b": {}}, HOSTILE, at("2026-03-11T06:00"))
        number = collection_log.begin(engine, 1)
        attempt = Attempt(UNHEARD, ASKED, None, "failed", "no | route\nto host", None)
        collection_log.record_failure(engine, number, attempt)
        collection_log.finish(engine, number)
