"""The configuration file `archive.toml`: appliances, secrets, mail, calendar.

`file` finds and reads it, `sections` checks it as a whole, `values` and `mailing` check single
keys, `entries` are the results, `secrets` fetches passwords only when one is needed. No password is
read while the configuration is.
"""
