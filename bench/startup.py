"""The start-up time of the command, against that of the imports it needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import commands, measure
from bench.claim import Claim
from bench.measure import Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.claim import Site
    from bench.measure import Finding

WANTED = 1.5
# The installed command, next to this interpreter.
_SCRIPT = Path(sys.executable).with_name("archive")


def _measure(site: Site) -> list[Finding]:
    demo = str(site.folder / "demo.db")
    commands.archive("demo", "--database", demo)
    return [
        _compare(site, "archive --help", ["--help"], "import typer, rich.table"),
        _compare(
            site,
            "archive report success",
            ["report", "success", "--database", demo],
            "import sqlalchemy, typer",
        ),
    ]


def _compare(site: Site, name: str, arguments: list[str], imports: str) -> Finding:
    def command() -> str:
        return commands.run([str(_SCRIPT), *arguments])

    def bare() -> str:
        return commands.python("-c", imports)

    # Run both once first, so that files are cached and modules compiled.
    if not command():
        raise SystemExit(f"{name} prints nothing")
    bare()
    sides = [_side(name, command), _side(imports, bare)]
    measured = measure.alternate(sides, site.rounds)
    measure.show(measured, 0)
    return measure.times_as_long(name, measured, WANTED)


def _side(name: str, run: Callable[[], str]) -> Side:
    def timed() -> None:
        run()

    return Side(name, timed, dict)


CLAIM = Claim(
    "start-up",
    "`archive --help` against importing typer and rich.table, and `archive report success` of the"
    " demo against importing sqlalchemy and typer; whole processes, files cached, modules compiled",
    f"at most {WANTED:g} times as long",
    _measure,
    quick=0,
    full=0,
    rounds=15,
)
