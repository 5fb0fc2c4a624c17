"""The backup history of a vCenter fleet, kept in a relational archive."""

__version__ = "0.1.0"
