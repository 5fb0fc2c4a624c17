from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dashboard import made
from tests.support.command import archive, at
from tests.support.configurations import DEFAULTS, written
from tests.support.terminals import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

NOW = f"--now={made.NOW}"


def test_page_is_written_to_a_file_or_stdout(engine: Engine, tmp_path: Path) -> None:
    """Both get the same page; with a file, one sentence reports it."""
    made.fill(engine)
    path = tmp_path / "fleet.html"
    done = archive("dashboard", "-o", str(path), NOW, at(engine))
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(f"{path}: 4 appliances, 651 jobs, ")
    printed = archive("dashboard", NOW, at(engine))
    assert (printed.code, printed.err) == (0, "")
    assert printed.out == path.read_bytes().decode()


def test_appliances_days_and_title_can_be_chosen(engine: Engine, tmp_path: Path) -> None:
    """By names, tags and days; the title, too."""
    made.fill(engine)
    appliances = f'[[appliance]]\nname = "{made.FLAKY}"\ntags = {{ site = "london" }}\n'
    config = f"--config={written(tmp_path, DEFAULTS + appliances)}"
    options = ("--title", "Backups & more", "--since", "2026-06-01", NOW, at(engine), config)
    for chosen in (("--tag", "site=london"), ("-a", made.FLAKY)):
        done = archive("dashboard", *chosen, *options)
        assert done.code == 0
        assert "<title>Backups &amp; more</title>" in done.out
        assert "1 appliance, 2026-06-01 to 2026-06-30" in done.out
        assert made.BROKEN not in done.out


def test_cadences_of_the_configuration_apply(engine: Engine, tmp_path: Path) -> None:
    """An appliance is compared with the cadence of the configuration."""
    made.fill(engine)
    appliances = f'[[appliance]]\nname = "{made.GOOD}"\ncadence = "1h"\n'
    config = f"--config={written(tmp_path, DEFAULTS + appliances)}"
    done = archive("dashboard", "-a", made.GOOD, NOW, at(engine), config)
    assert '<div class="soft">overdue</div>' in done.out


def test_page_is_not_written_to_a_terminal(tmp_path: Path) -> None:
    """On a terminal the error asks for a file."""
    shown = on_terminal("dashboard", "-d", str(tmp_path / "archive.db"), code=2)
    assert "write the page to a file with -o FILE.html" in shown


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--since", "0001-01-01"), "a dashboard shows at most"),
        (("-a", "nobody"), 'no appliance matches "nobody"'),
        (("--rpo", "soon"), 'invalid duration "soon"'),
    ],
)
def test_refused_options_leave_the_file_unchanged(
    engine: Engine, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    """An invalid option leaves an existing file as it was."""
    made.fill(engine)
    path = tmp_path / "fleet.html"
    path.write_text("before", encoding="utf-8")
    done = archive("dashboard", "-o", str(path), *options, NOW, at(engine))
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert path.read_text(encoding="utf-8") == "before"
