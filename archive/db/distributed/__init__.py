"""An archive distributed over several PostgreSQL servers with Citus.

`classes` says which tables are split by appliance; `distribute` and `undistribute` move the rows. What
transactions need there is in `archive.db.citus`.
"""
