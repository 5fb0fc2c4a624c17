"""A made-up fleet and its history, for demonstrations and benchmarks.

Seeded and pure: the same plan gives the same documents. Their structure is the published one. Job
keys, version strings, locations and a few failure texts look like those seen in public. Everything
else is invented: message IDs, most texts, most build numbers, sizes and durations. Do not draw
conclusions about vCenter from it.

`fleet` has the plan, `jobs` the jobs of an appliance, `failures` and `details` their documents, and
`collection` the answers.
"""
