"""What it means when a database refuses something, and what to do about it."""

from __future__ import annotations

_ADVICE = (
    ("database is locked", "another process is writing to the archive; try again when it is done"),
    ("lock timeout", "another process is writing to the archive; try again when it is done"),
    (
        "readonly database",
        "the archive is read-only for this user; check its owner and permissions",
    ),
    (
        "unable to open database",
        "the archive's file cannot be opened; check the path and its rights",
    ),
    ("file is not a database", "the file is not an archive; check --database"),
    ("disk image is malformed", "the archive's file is damaged; restore it from a backup"),
    ("disk is full", "the disk is full; nothing of this import has been written"),
    ("no space left", "the disk of the server is full; nothing of this import has been written"),
    ("disk i/o error", "the disk failed while the archive was being read or written"),
    ("read-only transaction", "the server accepts no writes (it may be a standby)"),
    ("permission denied", "the database user lacks a right; see the chapter on roles in the docs"),
    ("password authentication", "the server refused the user or the password"),
    ("no password supplied", "the server wants a password; put it into ~/.pgpass or PGPASSWORD"),
    ("does not exist", "what was asked for is not on the server; check --database"),
    ("connection refused", "no server answers at this address; is PostgreSQL running?"),
    ("could not translate host", "the server's name cannot be resolved"),
    ("failed to resolve host", "the server's name cannot be resolved"),
    ("timeout", "the server did not answer in time"),
)


def explain(error: BaseException, place: str) -> str:
    """Return a sentence about what a database at some place has refused."""
    cause = " ".join(str(error).split("\n\n")[0].split())
    for sign, advice in _ADVICE:
        if sign in cause.lower():
            return f"{advice} ({place}: {cause})"
    return f"the database refused the work ({place}: {cause})"
