from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.db import migrate

if TYPE_CHECKING:
    from pathlib import Path


def test_option_overrides_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The named database, then the environment's, then the user's own file."""
    monkeypatch.setenv("ARCHIVE_DATABASE_URL", "from-environment.db")
    assert migrate.connect("named.db").url.database == "named.db"
    assert migrate.connect().url.database == "from-environment.db"
    monkeypatch.setenv("ARCHIVE_DATABASE_URL", "")
    assert migrate.connect().url.database == str(migrate.default_file())


def test_default_is_a_file_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The default archive is in the platform's folder for user data."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    found = migrate.default_file()
    assert found.is_relative_to(tmp_path)
    assert found.parts[-2:] == ("archive", "archive.db")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("a b.db", "a b.db"),
        ("sqlite:////x/y.db", "/x/y.db"),
        ("postgres://u:p@h/n", "postgresql://u:***@h/n"),
        ("postgres://u@h/n?password=p&sslmode=require", "postgresql://u@h/n?sslmode=require"),
    ],
)  # fmt: skip
def test_place_is_shown_without_secrets(url: str, shown: str) -> None:
    """A file is shown as its path, a server as its URL without passwords."""
    assert migrate.describe(migrate.connect(url)) == shown


def test_migrations_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrations are beside the package in a checkout, and inside it when it is installed."""
    assert (migrate.folder("migrations") / "env.py").is_file()
    package = tmp_path / "archive"
    (package / "migrations").mkdir(parents=True)
    monkeypatch.setattr(migrate, "__file__", str(package / "db" / "migrate.py"))
    assert migrate.folder("migrations") == package / "migrations"
    assert migrate.folder("sql") == tmp_path / "sql"


def test_reading_the_revision_creates_no_file(tmp_path: Path) -> None:
    """Asking for the revision of a missing file does not create it."""
    path = tmp_path / "archive.db"
    assert migrate.current(migrate.connect(str(path))) is None
    assert not path.exists()
