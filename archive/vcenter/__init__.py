"""The HTTP client for a vCenter Server appliance.

`query.ask` is the whole of it for a collection; the other modules are its steps: `client` (HTTP
with retries and limits), `session` (login and logout), `job_details` (the history, in slices if
need be), `tls` and `certificate` (trust), `proxy`, `spool` (where an answer is kept), `errors`.
Nothing here knows the archive or its tables.

Source of paths, headers and answers: vSphere Automation API, `appliance` and `cis/session`.
"""
