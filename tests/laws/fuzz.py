"""Import documents changed at random through the command, and compare the archive with the canonical form.

    python -m tests.laws.fuzz --documents 1000000

For each round, as JSON and as JSON Lines in turn: the command ends with code 0 or 3, without a
traceback or an error of its own; every unchanged document beside the changed ones is archived; each job
has the digest, the findings and the columns that reading it value by value gives, and the others are in
quarantine; a second import changes nothing, and `db verify` finds nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import sqlalchemy as sa

from archive import db
from archive.db import migrate, tables
from archive.document import parse
from archive.document.flatten import JobColumns
from archive.errors import NotAJobError
from archive.store import job_reader
from tests.support.archives import empty
from tests.support.command import archive, at
from tests.support.mutations import damaged, mutated
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

ROUND = 2000
_NEIGHBOUR = json.dumps(job())
_KEY = re.compile(r"20260101-000000-\d+")
# Every tenth document is unchanged, every twentieth line is not JSON, or not the same JSON.
_EVERY, _DAMAGED = 10, 20


def fuzz(engine: Engine, documents: int, seed: int, folder: Path) -> None:
    """Import that many documents in rounds. Raises AssertionError, with the seed of the round."""
    for number in range(0, documents, ROUND):
        seed_of_round = seed + number
        try:
            _round(engine, Random(seed_of_round), min(ROUND, documents - number), folder)  # noqa: S311 - no secret
        except Exception as error:
            error.add_note(f"the round with seed {seed_of_round}")
            raise


def _round(engine: Engine, random: Random, documents: int, folder: Path) -> None:
    texts = {
        f"20260101-000000-{place}": _NEIGHBOUR if place % _EVERY == 0 else mutated(random)
        for place in range(documents)
    }
    in_lines = random.random() < 0.5
    path = folder / ("round.jsonl" if in_lines else "round.json")
    spoiled: set[str] = set()
    if in_lines:
        path.write_bytes(b"\n".join(_lines(random, texts, spoiled)) + b"\n")
    else:
        path.write_bytes(_answer(random, texts, spoiled))
    empty(engine)
    arguments = (
        "ingest",
        str(path),
        "--appliance",
        "vc01",
        "--format",
        "json",
        "--debug",
        at(engine),
    )
    done = archive(*arguments)
    assert done.code in (0, 3), done
    assert "Traceback" not in done.err, done
    assert "internal error" not in done.err, done
    _compare(engine, texts, spoiled)
    verified = archive("db", "verify", at(engine))
    assert verified.out == "", verified.out[:2000]
    again = json.loads(archive(*arguments).out)
    assert (again["new"], again["changed"]) == (0, 0), again


def _lines(random: Random, texts: dict[str, str], spoiled: set[str]) -> list[bytes]:
    """Return lines of all forms; add to `spoiled` the keys that need not have their document.

    The key of a damaged line can have become another one's.
    """
    lines = []
    for place, (key, text) in enumerate(texts.items()):
        line = random.choice(
            [
                f'{{"{key}": {text}}}',
                f'{{"appliance":"vc01","job":"{key}","info":{text}}}',
                f'{{"key": "{key}", "value": {text}}}',
                f'[{{"value": {text}, "key": "{key}"}}]',
            ]
        )
        if place % _EVERY and place % _DAMAGED == 1:
            lines.append(damaged(random, line))
            spoiled |= {key, *_KEY.findall(lines[-1].decode(errors="replace"))}
        else:
            lines.append(line.encode())
    return lines


def _answer(random: Random, texts: dict[str, str], spoiled: set[str]) -> bytes:
    """Return an answer of one of the forms; add to `spoiled` the keys of its damaged documents.

    The last one is whole: without it, the answer would be cut off.
    """
    gap = random.choice([",", ", ", ",\n "])
    is_map = random.random() < 0.5
    parts = []
    for place, (key, text) in enumerate(texts.items()):
        data = text.encode()
        if place % _EVERY and place % _DAMAGED == 1 and place < len(texts) - 1:
            data = damaged(random, text)
            spoiled |= {key, *_KEY.findall(data.decode(errors="replace"))}
        name = f'"{key}": ' if is_map else f'{{"key": "{key}", "value": '
        parts.append(name.encode() + data + (b"" if is_map else b"}"))
    joined = gap.encode().join(parts)
    return b"{" + joined + b"}" if is_map else b'{"value": [' + joined + b"]}"


def _compare(engine: Engine, texts: dict[str, str], spoiled: set[str]) -> None:
    with db.reading(engine) as connection:
        stored = {found.key: found for found in job_reader.jobs(connection)}
        findings: dict[str, list[tuple[str, str, str]]] = {}
        job_, finding = tables.job.c, tables.job_finding
        query = (
            sa.select(job_.key, finding.c.code, finding.c.field, finding.c.detail)
            .join(
                tables.job,
                sa.and_(job_.appliance_id == finding.c.appliance_id, job_.id == finding.c.job_id),
            )
            .order_by(finding.c.appliance_id, finding.c.job_id, finding.c.seq)
        )
        for key, *found in connection.execute(query):
            findings.setdefault(key, []).append(tuple(found))
        reasons = connection.execute(sa.select(tables.quarantine.c.reason)).scalars().all()
    assert [reason for reason in reasons if "please report" in reason] == []
    for key, text in texts.items():
        if key in spoiled:
            continue
        expected = _by_value(text)
        if expected is None:
            assert key not in stored, (key, text)
            continue
        assert key in stored, (key, text, reasons[:5])
        assert stored[key].digest == expected.digest, (key, text)
        assert stored[key].rows.job == JobColumns(*expected.rows.job), (key, text)
        assert findings.get(key, []) == [tuple(each) for each in expected.findings], (key, text)
    assert len(stored) + len(reasons) >= len(texts) - len(spoiled)


def _by_value(text: str) -> parse.ParsedJob | None:
    """Return a document read by its canonical form alone; None if it is no job."""
    try:
        return parse.by_value(text.encode())
    except NotAJobError:
        return None


def main() -> None:
    """Run the rounds on a SQLite archive, and print how many documents were imported in what time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = migrate.connect(str(folder / "fuzz.db"))
        migrate.upgrade(engine)
        fuzz(engine, arguments.documents, arguments.seed, folder)
    print(  # noqa: T201 - a command
        f"{arguments.documents:,} documents in {time.perf_counter() - start:,.0f} s: no difference"
    )


if __name__ == "__main__":
    main()
