"""Checking and changing a whole archive: verify it, change its calendar, undo an import.

Each change is one transaction that holds the lock of the calendar, so no import runs meanwhile.
"""
