"""Read inputs as `ingest` does."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from archive.ingest import formats, raw_document
from archive.ingest.raw_document import RawDocument

if TYPE_CHECKING:
    from collections.abc import Collection


def read(data: bytes, name: str = "answer.json", buffer: int = 1 << 16) -> list[RawDocument]:
    """Return all documents of an input of either format."""
    stream = io.BufferedReader(io.BytesIO(data), buffer)
    in_lines, encoding = formats.form(stream, name)
    if in_lines:
        lines = formats.lines(stream, encoding)
        return [document for line in lines for document in line.documents()]
    found = formats.documents(stream, encoding)
    return [document for document in found if isinstance(document, RawDocument)]


def read_known(
    data: bytes, known: Collection[bytes], buffer: int = 1 << 16
) -> list[RawDocument | raw_document.KnownDocument]:
    """Return the documents of an answer, some of them known."""
    stream = io.BufferedReader(io.BytesIO(data), buffer)
    _, encoding = formats.form(stream, "answer.json")
    return list(formats.documents(stream, encoding, known))


def keys(documents: list[RawDocument]) -> list[str | None]:
    """Return the job keys of documents, all of which can be read."""
    assert {document.problem for document in documents} == {None}
    return [document.key for document in documents]
