"""Keeps the backup history of a vCenter fleet in a relational archive."""

from __future__ import annotations

__version__ = "0.1.0"
