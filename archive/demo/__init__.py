"""A made-up fleet and its history: what the archive is shown with and measured with.

Seeded and pure: the same plan gives the same documents. Their structure is the published one, and
job keys, version strings, locations and a few failure texts have the form of those seen in public.
All else is invented: message ids, most texts, most build numbers, sizes and durations. Nothing may
be learnt about vCenter from it.
"""
