"""What separates the documents of an answer: patterns of what follows one, and of where the answer ends."""

from __future__ import annotations

import re

from archive.document import schema
from archive.ingest.other_json import JOB_KEY

SPACE = r"[ \t\r\n]{0,200}"
# The start of an entry of a list.
ENTRY = re.compile(rf'\{{{SPACE}"key"{SPACE}:{SPACE}"{JOB_KEY.pattern}"', re.ASCII)
ENTRY_LENGTH = 1000
# The comma before the next document, in a map or in a list. In a text its quotes would be escaped.
NEXT = re.compile(rf',{SPACE}(?:"{JOB_KEY.pattern}"{SPACE}:{SPACE}\{{|{ENTRY.pattern})', re.ASCII)
# The most usual of what follows a document, by the bracket around both: found in a fraction of the time.
NEXT_KEY = {
    "}": re.compile(rf',{SPACE}"{JOB_KEY.pattern}"', re.ASCII),
    "]": re.compile(rf',{SPACE}\{{{SPACE}"key"'),
}
WHITE = re.compile(r"[ \t\r\n]*")
OBJECT = re.compile(rf"{SPACE}\{{")
MEMBER_NAME = re.compile(rf'{SPACE}"([^"\\\x00-\x1f]*)(?:"{SPACE}(?::|\Z)|\\|\Z)')
# Names of the fields of a document and of its parts.
_PARTS = (schema.Failure, schema.Build, schema.Progress, schema.DynamicID, schema.Message)
FIELD_NAMES = frozenset(name for part in (schema.Info, *_PARTS) for name in part.model_fields)
CLOSING = {"{": "}", "[": "]"}
# Members beside `value`, behind the answer in it.
MEMBER = (
    rf'{SPACE},{SPACE}"[^"\\]{{0,200}}"{SPACE}:{SPACE}(?:"[^"\\]{{0,1000}}"|[-+.\w]{{1,40}}'
    r"|[\[{][^][{}]{0,1000}[\]}])"
)
# Behind an answer there is another one, or nothing.
ANOTHER = rf'(?:\{{{SPACE}"(?:value|{JOB_KEY.pattern})"|\[{SPACE}{ENTRY.pattern})'
END = rf"(?:{ANOTHER}|\Z)"
