"""Imports: bytes to documents, documents to the archive.

`open_file` opens, `formats` recognises, `details_response` splits an answer into documents (with
`json_stream`, `one_job`, and `other_json` for what is none), `observe` reads one, `run` and its two
forms `answer_run` and `lines_run` write them in transactions. Nothing here fetches: what `collect`
fetched comes in by `answer_run`.
"""
