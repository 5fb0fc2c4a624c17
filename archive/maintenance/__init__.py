"""Checking and changing a whole archive, or all of one appliance.

`verify` checks; `change_calendar`, `undo_import`, `rename`, `merge`, `retire` and `forget` change.
Each change is one transaction that holds the lock of the calendar, so no import runs meanwhile.
"""
