from __future__ import annotations

import contextlib
import gzip
import io
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from archive.errors import InputError
from archive.ingest.open_file import open_file

DATA = b'{"20260301-021500-25148086": {"status": "PENDING"}}\n' * 5000
# Not compressible, so that the gzip data is as long as it is.
NOISE = bytes(number * number % 251 for number in range(300_000))


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("name", ["details.json", "details.json.gz", "details"])
@pytest.mark.parametrize("zipped", [False, True])
def test_gzip_is_detected_by_content(tmp_path: Path, name: str, zipped: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A compressed file is decompressed, whatever its name is."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(DATA) if zipped else DATA)
    with open_file(str(path)) as file:
        assert file.name == str(path)
        assert file.size == path.stat().st_size
        assert file.content.peek()[:10] == DATA[:10]
        assert file.content.read() == DATA
        assert file.position() == file.size


def test_concatenated_gzip_is_one_import(tmp_path: Path) -> None:
    """Gzip files written one after the other are one import."""
    path = tmp_path / "all.gz"
    path.write_bytes(gzip.compress(b'{"a":') + gzip.compress(b" {}}"))
    with open_file(str(path)) as file:
        assert file.content.read() == b'{"a": {}}'


@pytest.mark.parametrize("zipped", [False, True])
def test_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch, zipped: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A dash is standard input, plain or gzipped, of unknown size."""
    stdin(monkeypatch, gzip.compress(DATA) if zipped else DATA)
    with open_file("-") as file:
        assert (file.name, file.size, file.position()) == ("standard input", None, 0)
        assert file.content.read() == DATA
        assert file.position() == 0


def test_closed_standard_input_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may have been started with a closed standard input."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match=r"^standard input is closed$"), open_file("-"):
        pass


def test_missing_file_is_reported(tmp_path: Path) -> None:
    """A file that does not exist is refused by its name."""
    path = tmp_path / "absent.json"
    with pytest.raises(InputError) as refused, open_file(str(path)):
        pass
    assert str(refused.value) == f"{path}: no such file"


def test_directory_is_reported(tmp_path: Path) -> None:
    """A directory is refused, and the error suggests files in it."""
    with pytest.raises(InputError) as refused, open_file(str(tmp_path)):
        pass
    assert str(refused.value) == (
        f"{tmp_path}: is a directory; name the files in it, for example {tmp_path}/*.json"
    )


def test_unreadable_file_is_reported(tmp_path: Path) -> None:
    """A file that cannot be opened is refused with the system's reason."""
    path = tmp_path / "loop.json"
    path.symlink_to(path)
    with pytest.raises(InputError) as refused, open_file(str(path)):
        pass
    assert str(refused.value) == f"{path}: cannot be read: Too many levels of symbolic links"


@pytest.mark.parametrize(
    ("packed", "what"),
    [
        (b"BZh91AY&SY", "compressed by bzip2"),
        (b"\xfd7zXZ\x00\x00\x04", "compressed by xz"),
        (b"PK\x03\x04\x14\x00", "a ZIP archive"),
        (b"\x28\xb5\x2f\xfd\x04", "compressed by zstd"),
        (b"7z\xbc\xaf\x27\x1c\x00", "a 7-Zip archive"),
        (gzip.compress(gzip.compress(DATA)), "gzipped twice"),
    ],
)
def test_other_compressed_files_are_named(tmp_path: Path, packed: bytes, what: str) -> None:
    path = tmp_path / "answers.json"
    path.write_bytes(packed)
    with pytest.raises(InputError) as refused, open_file(str(path)):
        pass
    assert str(refused.value) == (
        f"{path}: is {what}; unpack it first, or compress it once with gzip"
    )


@pytest.mark.parametrize("length", [12, 1000, 200_000])
def test_truncated_gzip_is_reported(tmp_path: Path, length: int) -> None:
    """Gzip data that ends early is an error while it is read."""
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(NOISE + os.urandom(200_000))[:length])
    with pytest.raises(InputError) as refused, open_file(str(path)) as file:
        file.content.read()
    assert str(refused.value) == f"{path}: cut off: the gzip data ends early; download it again"


@pytest.mark.parametrize("place", [3, 5000, -8])
def test_damaged_gzip_is_reported(tmp_path: Path, place: int) -> None:
    """Gzip data that was changed is an error while it is read."""
    path = tmp_path / "damaged.gz"
    data = bytearray(gzip.compress(os.urandom(100_000), mtime=0))
    if place == 3:
        data[2] = 0  # an unknown method
    else:
        data[place : place + 4] = b"\xff\x00\xff\x00"
    path.write_bytes(data)
    with pytest.raises(InputError) as refused, open_file(str(path)) as file:
        file.content.read()
    assert str(refused.value).startswith(f"{path}: damaged gzip data (")
    assert str(refused.value).endswith("); download it again")


def test_failing_disk_is_reported(tmp_path: Path) -> None:
    """A system error while a file is being read is reported like one at its opening."""
    path = tmp_path / "failing.json"
    path.write_bytes(DATA)
    with open_file(str(path)) as file:
        source = Path("/proc/self/mem")
        if not source.exists():
            pytest.skip("no file at hand that fails")
        with source.open("rb") as failing:
            os.dup2(failing.fileno(), file.stored.fileno())
        with pytest.raises(InputError, match="cannot be read: Input/output error"):
            file.content.read()


def test_other_errors_are_not_blamed_on_the_file(tmp_path: Path) -> None:
    """An error elsewhere while a file is open does not name the file."""
    path = tmp_path / "good.json"
    path.write_bytes(DATA)
    with pytest.raises(FileNotFoundError, match="elsewhere"), open_file(str(path)):
        raise FileNotFoundError("elsewhere")


def test_pipe_is_read_to_its_end_before_the_import_begins(tmp_path: Path) -> None:
    """A sender that stalls makes nobody wait for a lock."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    sent = threading.Event()

    def send() -> None:
        with fifo.open("wb") as out:
            out.write(b"{")
            out.flush()
            time.sleep(0.2)
            sent.set()
            out.write(b"}")

    sender = threading.Thread(target=send)
    sender.start()
    with open_file(str(fifo)) as file:
        assert sent.is_set()
        assert file.content.read() == b"{}"
    sender.join()


def test_endless_white_space_from_a_pipe_is_refused(tmp_path: Path) -> None:
    """A sender of white space without end is refused, before it fills the disk."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def send() -> None:
        with contextlib.suppress(BrokenPipeError), fifo.open("wb", buffering=0) as out:
            while True:
                out.write(b"\n" * 65_536)

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(InputError) as refused, open_file(str(fifo)):
        pass
    assert str(refused.value) == f"{fifo}: more than 1,048,576 bytes of white space"
    sender.join()
