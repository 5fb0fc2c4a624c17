"""The archive over HTTP: the page, every report, and metrics; read-only.

It needs the extra `serve` (Starlette and Uvicorn). Nothing here opens an archive or reads a
configuration: `archive.cli.serve` does, and hands over a `Site`.
"""
