from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer

from archive.cli.output import open_output
from archive.columns import Column
from archive.errors import ArchiveError
from archive.render import records
from tests.support.archives import created, import_documents
from tests.support.command import PROGRAM, archive, at, environment
from tests.support.laws import some
from tests.support.samples import API, job


def test_text_is_written_unchanged(tmp_path: Path) -> None:
    """Text is written as UTF-8, and line ends are not changed."""
    path = tmp_path / "out.csv"
    with open_output(path) as out:
        out.write("ä\r\nb\n")
        assert not path.exists()
    assert path.read_bytes() == b"\xc3\xa4\r\nb\n"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_keeps_the_old_file(tmp_path: Path) -> None:
    """After a failure the file is as it was and no temporary file is left."""
    path = tmp_path / "out.csv"
    path.write_text("old")
    with suppress(RuntimeError), open_output(path) as out:
        out.write("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


WRITERS = [
    ("dashboard",), ("mail",), ("metrics",), ("report", "summary"), ("sql", "last_success"),
    ("export", "jsonl"), ("export", "csv", "--view", "v_job"),
]  # fmt: skip


@pytest.mark.parametrize("ending", ["", "-wal"])
@pytest.mark.parametrize("writer", WRITERS)
def test_output_never_replaces_an_archive(
    writer: tuple[str, ...], ending: str, tmp_path: Path
) -> None:
    """Nor the files that SQLite keeps beside it."""
    path = tmp_path / "archive.db"
    engine = created(path)
    import_documents(engine, {"k": job()})
    engine.dispose()
    before = path.read_bytes()
    done = archive(*writer, "--output", f"{path}{ending}", at(engine))
    assert done.code == 2
    assert f"{path}{ending} {'belongs to' if ending else 'is'} a SQLite database" in done.err
    assert path.read_bytes() == before


def test_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    """Users who could read the old file can read the new one, and nobody else can."""
    path = tmp_path / "out.csv"
    path.touch()
    path.chmod(0o640)
    with open_output(path) as out:
        out.write("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_symbolic_link_is_followed(tmp_path: Path) -> None:
    """The target of a symbolic link is written; the link stays."""
    link, path = tmp_path / "link", tmp_path / "file"
    link.symlink_to(path)
    with open_output(link) as out:
        out.write("new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_device_is_not_replaced() -> None:
    """A device is written to, not replaced by a file."""
    with open_output(Path(os.devnull)) as out:
        out.write("x")
    assert Path(os.devnull).is_char_device()


def test_write_errors_name_the_file(tmp_path: Path) -> None:
    """A missing folder and a full disk are reported in one sentence."""
    path = tmp_path / "none" / "out.csv"
    with pytest.raises(ArchiveError, match=r"out\.csv: cannot write: No such file"):
        open_output(path).__enter__()
    with (
        pytest.raises(ArchiveError, match="/dev/full: cannot write: No space left"),
        open_output(Path("/dev/full")) as out,
    ):
        out.write("x")


def test_closed_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a standard output there is one error on standard error."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(ArchiveError, match="standard output is closed"):
        open_output(None).__enter__()


class Pipe(io.BytesIO):
    """A pipe whose reader has gone away."""

    def write(self, data: Any) -> int:
        """Fail."""
        raise BrokenPipeError(len(data))


def test_closed_pipe_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the reader has gone, the command exits with 0 at any point."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Pipe()))
    with pytest.raises(typer.Exit) as left, open_output(None) as out:
        print("x", file=out, flush=True)
    assert left.value.exit_code == 0


@pytest.mark.parametrize(
    ("rows", "sink", "code", "said"),
    [
        (200_000, "| head -n 1 > /dev/null; exit ${PIPESTATUS[0]}", 0, ""),
        (
            3,
            "> /dev/full",
            1,
            "archive: standard output: cannot write: No space left on device\n",
        ),
    ],
)
def test_pipe_and_full_disk_in_a_shell(
    rows: int, sink: str, code: int, said: str, tmp_path: Path
) -> None:
    """In a shell a closed pipe prints nothing, and a full disk one sentence: never a traceback."""
    program = tmp_path / "rows.py"
    program.write_text(
        "import sys\n"
        "from archive import cli\n"
        "from archive.cli.app import app\n"
        "from archive.cli.output import open_output\n"
        "@app.command()\n"
        "def rows():\n"
        "    with open_output(None) as out:\n"
        f"        out.writelines('row\\n' for _ in range({rows}))\n"
        "sys.argv = ['archive', 'rows']\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        ["/bin/bash", "-c", f'"{sys.executable}" "{program}" {sink}'],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert (done.returncode, done.stderr) == (code, said)


@pytest.mark.parametrize(
    ("verb", "code", "said"),
    some(
        [
            ("ingest --verbose good.json -a vc01", 3, "; the import is complete\n"),
            ("check", 3, ""),
            ("quarantine retry", 1, ""),
            ("db current", 1, ""),
        ],
        2,
    ),
)
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [
        (">&-", "standard output is closed"),
        (">/dev/full", "No space left on device"),
    ],
)
def test_output_that_fails_is_said_and_what_was_done_too(
    tmp_path: Path, verb: str, code: int, said: str, redirection: str, reason: str
) -> None:
    """The code of an import says that it is archived, and that of a plugin is UNKNOWN."""
    (tmp_path / "good.json").write_bytes(API)
    program = " ".join(PROGRAM)
    command = f"{program} db upgrade -d archive.db 2>&-; {program} {verb} -d archive.db"
    done = subprocess.run(
        ["/bin/bash", "-c", f"{command} {redirection}"],
        cwd=tmp_path, env=environment(), check=False, capture_output=True, text=True,
    )  # fmt: skip
    if redirection == ">&-" and code == 1:
        return  # nobody expected output
    assert done.returncode == code
    assert reason in done.stderr
    assert done.stderr.endswith(said)
    assert "Traceback" not in done.stderr


def test_json_controls_no_terminal() -> None:
    """C1 controls and overrides of direction are escaped; the values are the same."""
    out = io.StringIO()
    text = "\x9b31m \u202eabc\u2066 \x7f \u2028 \ufeff é 例 😀"
    records.write([Column("a")], [(text,)], out)
    assert json.loads(out.getvalue()) == [{"a": text}]
    assert set(out.getvalue()) & set(text) == set(" 31mabce2uf78\\é例😀") & set(text)
