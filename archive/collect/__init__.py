"""Collections: fetch what the appliances of a fleet have, and archive it.

`run` is one collection, `concurrency` its event loop and threads, `logins` keeps accounts from
being locked, `store_answer` is one appliance's transaction, `preflight` tests without writing.
"""
