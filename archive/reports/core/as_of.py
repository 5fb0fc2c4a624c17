"""The instant that reports are as of if the user names none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive import timestamps
from archive.reports.core import judged_stored

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def current(connection: Connection) -> str:
    """Return the current instant; that of the newest import or job if it is a little later.

    An import can end after a command has started, or come from a machine whose clock is ahead. The
    stored judgement is then already of later than now, and without it each appliance is judged anew.
    What is further ahead than clocks differ comes from a wrong one, and does not count.
    """
    now, newest = timestamps.now(), judged_stored.newest(connection)
    if newest is None or newest <= now or timestamps.is_future(newest, now):
        return now
    return newest
