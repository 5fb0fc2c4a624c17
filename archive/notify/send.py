"""Send notifications by Apprise, which knows the services. No error shows any part of a URL."""

from __future__ import annotations

import logging
import re
import ssl
from typing import TYPE_CHECKING, Any

from archive import extras
from archive.errors import ConfigurationError, NotificationError
from archive.masking import HIDDEN
from archive.monitoring.plugin import Level
from archive.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from archive.notify.notification import Notification

# Parts of a URL between its punctuation; shorter ones identify nobody.
_PART = re.compile(r"[^\s/:@?&=#,;%]{4,}")
# Apprise logs URLs, which have secrets in them.
_SILENT = logging.NullHandler()
# The kind of a recipient, as in `msteams://...`: it is no secret.
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=://)", re.IGNORECASE)


def require() -> None:
    """Raise ConfigurationError, with advice, unless Apprise is installed."""
    try:
        import apprise  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise ConfigurationError(
            f'notifications need the extra "notify"; {extras.advice("notify")}'
        ) from error


def send(notification: Notification, url: str, ca_file: Path | None = None) -> None:
    """Send a notification to an Apprise URL.

    `ca_file` has the certificates to trust instead of the system's. Raises NotificationError if the
    URL is wrong or the service does not accept the notification; each answer may take seconds.
    """
    from apprise import Apprise, NotifyFormat, NotifyType

    logging.getLogger("apprise").propagate = False  # its words are in the result, too
    logging.getLogger("apprise").addHandler(_SILENT)
    types = {Level.OK: NotifyType.SUCCESS, Level.WARNING: NotifyType.WARNING}
    service = _service(url, ca_file)
    result = Apprise(service).notify(
        body=notification.body,
        title=notification.title,
        notify_type=types.get(notification.level, NotifyType.FAILURE),
        body_format=NotifyFormat.TEXT,
    )
    if not result:
        said = [line.message for one in result for line in one.logs()]
        reason = said[0].rstrip(".") if said else "the service did not accept it"
        raise NotificationError(printable(_without(reason, url)))


def _service(url: str, ca_file: Path | None) -> Any:
    """Return Apprise's service for a URL, with certificates checked unless the URL turns that off."""
    from apprise import Apprise, AppriseAsset

    # A POST that is redirected becomes a GET, whose success says nothing. Nothing is stored on disk.
    asset = AppriseAsset(http_redirects=False, async_mode=False, storage_mode="memory")
    service: Any = Apprise.instantiate(url, asset=asset)
    if service is None:
        raise NotificationError(
            "the URL is not one of Apprise's; see https://appriseit.com for the form of your service"
        )
    if service.verify_certificate:
        service.verify_certificate = _certificates(ca_file) or True
    return service


def _certificates(ca_file: Path | None) -> str | None:
    """Return the place of the certificates to trust; None: those that come with the library."""
    if ca_file is not None:
        if not ca_file.is_file():
            raise NotificationError(f"{ca_file}: no such file; check ca_file")
        return str(ca_file)
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath


def _without(reason: str, url: str) -> str:
    """Return what a service said without the parts of its URL, any of which may be a secret."""
    scheme = _SCHEME.match(url)
    rest = url[scheme.end() :] if scheme else url
    for part in sorted(set(_PART.findall(rest)), key=len, reverse=True):
        reason = reason.replace(part, HIDDEN)
    return reason
