"""Failures that a user can act on; the command turns each into one sentence and an exit code."""

from __future__ import annotations


class ArchiveError(Exception):
    """Base of every failure that is reported without a traceback. Nothing has been written."""


class UsageError(ArchiveError):
    """The request itself cannot be understood (a date, a period, a name)."""


class ConfigurationError(ArchiveError):
    """The configuration cannot be read or is wrong, or a password that it names is not there."""


class DatabaseError(ArchiveError):
    """The database could not be reached, read or written."""


class SchemaError(ArchiveError):
    """The archive's schema is not the one this version of the command works with."""


class InputError(ArchiveError):
    """A file or answer as a whole is not what a backup job details request returns."""


class InterruptedInputError(ArchiveError):
    """A stream failed after some of its batches had been committed."""


class NotAJobError(ArchiveError):
    """One document cannot be archived as a job; it belongs into quarantine."""


class CheckError(ArchiveError):
    """The archive contradicts itself; what was found has been printed."""


class ApplianceError(ArchiveError):
    """An appliance could not be asked, or what it answered is of no use.

    `reason` says why and `advice` what to do, if anything is known to help; its text has both.
    """

    def __init__(self, reason: str, advice: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return self.reason if self.advice is None else f"{self.reason}; {self.advice}"


class MailError(ArchiveError):
    """A mail could not be handed over: nobody gets it."""


class AlreadyRunningError(ArchiveError):
    """Another process is collecting into this archive."""
