"""Errors that users can act on. The command turns each into one sentence and an exit code."""

from __future__ import annotations


class ArchiveError(Exception):
    """Base of all errors reported without a traceback. Nothing has been written."""


class UsageError(ArchiveError):
    """The request is invalid: an option, a date, a period, a name."""


class ConfigurationError(ArchiveError):
    """The configuration is missing or invalid, or a password that it names cannot be read."""


class DatabaseError(ArchiveError):
    """The database cannot be reached, read or written."""


class TimeLimitError(DatabaseError):
    """A statement took longer than it may."""


class SchemaError(ArchiveError):
    """The archive's schema does not fit this version of the command."""


class InputError(ArchiveError):
    """A file or answer as a whole is not an answer with backup job details."""


class InterruptedInputError(ArchiveError):
    """An import failed after some of its batches were committed."""


class NotAJobError(ArchiveError):
    """One document cannot be archived as a job and goes to quarantine."""


class CheckError(ArchiveError):
    """`archive db verify` found problems, and has printed them."""


class ApplianceError(ArchiveError):
    """An appliance cannot be reached, or its answer cannot be used.

    `reason` is the problem and `advice` the action, None if there is none; the text has both.
    """

    def __init__(self, reason: str, advice: str | None = None) -> None:
        # Only the reason: the text adds the advice when it is shown.
        super().__init__(reason)
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return self.reason if self.advice is None else f"{self.reason}; {self.advice}"


class MailError(ArchiveError):
    """A mail was not sent to any recipient."""


class NotificationError(ArchiveError):
    """A notification was not sent."""


class AlreadyRunningError(ArchiveError):
    """Another collection into this archive, or another notification from it, is running."""
