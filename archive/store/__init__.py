"""Rows in and out of the archive: jobs, what follows from them, and the logs.

`loader` merges what was imported with what is stored; the other modules each own some tables.
Functions work in the caller's transaction. Locks are taken in this order, so that no two
transactions wait for each other: `calendar`, appliances by name, `references`, `totals`.
"""
