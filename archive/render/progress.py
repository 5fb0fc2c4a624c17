"""A progress bar on a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Characters of the description.
_WIDEST = 30


@contextmanager
def progress(description: str, total: float | None) -> Iterator[Callable[[float], None]]:
    """Yield a function that shows the progress: it takes the position, in the unit of `total`.

    It is drawn on standard error and removed at the end. Without `total` there is a moving bar.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    from archive.render.units import text

    # A long description must leave room for the bar.
    short = Column(max_width=_WIDEST, no_wrap=True)
    columns = (
        TextColumn("{task.description}", markup=False, table_column=short),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%" if total else ""),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text(description), total=total)
        yield lambda position: bar.update(task, completed=position)
