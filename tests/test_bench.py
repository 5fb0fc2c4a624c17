from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archive import db
from archive.store import judged_backups, totals
from bench import documents, fleet, inprocess
from bench.claims import CLAIMS
from bench.growth import history, law
from bench.growth.claim import table
from bench.growth.steps import Figure
from bench.measure import Finding, Side, alternate
from tests.support.archives import empty, lines
from tests.support.command import environment

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine


def url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_documents_are_regular_and_about_2_kb_each(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    size = documents.write_lines(path, 250, per_appliance=100)
    assert 1500 < size / 250 < 2500
    counts = inprocess.ingest(path, url(engine))
    assert (counts.new, counts.findings, counts.quarantined) == (250, 0, 0)


@pytest.mark.parametrize("mix", documents.MIXES, ids=lambda mix: mix.name)
def test_mixes_differ_in_their_distinct_messages(mix: documents.Mix) -> None:
    messages: list[str] = []
    doubles = 0
    for _, _, info in documents.lines(400, mix=mix):
        document = json.loads(info)
        own = [*document["messages"], document["description"], document["progress"]["message"]]
        messages += [json.dumps(message) for message in own]
        doubles += '"d":' in info.replace(" ", "")
    distinct = len(set(messages)) / len(messages)
    bounds = {
        documents.FEW: (0, 0.25),
        documents.INTERLEAVED: (0.3, 0.6),
        documents.DISTINCT: (1, 1),
    }
    least, most = bounds[mix]
    assert least <= distinct <= most
    assert doubles == pytest.approx(400 * mix.doubles, abs=40)


def test_interleaved_documents_come_night_by_night() -> None:
    found = list(documents.lines(900, mix=documents.INTERLEAVED))
    assert [line.appliance for line in found[:300]] == [line.appliance for line in found[300:600]]
    assert len({line.appliance for line in found}) == 300


def test_lines_and_answers_have_the_same_documents(engine: Engine, tmp_path: Path) -> None:
    archives = []
    path = tmp_path / "documents.jsonl"
    documents.write_lines(path, 50, per_appliance=20)
    answers = documents.write_answers(tmp_path, 50, per_appliance=20)
    assert [answer.name for answer in answers] == [f"vc0000{n}.example.com.json" for n in range(3)]
    for imported in ([(path, None)], [(answer, answer.stem) for answer in answers]):
        empty(engine)
        for file, appliance in imported:
            inprocess.ingest(file, url(engine), appliance)
        archives.append(lines(engine))
    assert archives[0] == archives[1]


def test_sides_alternate_and_are_counted_outside_the_time() -> None:
    order: list[str] = []

    def side(name: str) -> Side:
        def count() -> dict[str, int]:
            order.append(f"count {name}")
            return {"jobs": 3}

        def run() -> dict[str, float]:
            order.append(f"run {name}")
            return {"of which half": 0.5}

        return Side(name, run, count, lambda: order.append(f"prepare {name}"))

    measured = alternate([side("a"), side("b")], 2)
    assert [step.split()[1] for step in order[::3]] == ["a", "b", "b", "a"]
    assert order[:3] == ["prepare a", "run a", "count a"]
    assert [(each.name, len(each.seconds), each.rows) for each in measured] == [
        ("a", 2, {"jobs": 3}),
        ("b", 2, {"jobs": 3}),
    ]
    assert measured[0].parts == {"of which half": [0.5, 0.5]}


def test_side_with_another_row_count_is_not_compared() -> None:
    counts = iter([1, 1, 1, 2])  # only in the second round

    def side(name: str) -> Side:
        return Side(name, lambda: None, lambda: {"jobs": next(counts)})

    with pytest.raises(SystemExit, match="counts other rows"):
        alternate([side("a"), side("b")], 2)


@pytest.mark.parametrize(
    ("figure", "at_most", "verdict"),
    [
        (8.0, False, "reached"),
        (7.9, False, "MISSED"),
        (8.0, True, "reached"),
        (8.1, True, "MISSED"),
    ],
)
def test_verdict(figure: float, at_most: bool, verdict: str) -> None:  # noqa: FBT001 - a parameter
    assert Finding("load", figure, "times", 8, at_most=at_most).verdict == verdict


def test_help_lists_every_claim() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--help"],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env=environment(),
    )
    names = [claim.name for claim in CLAIMS]
    assert [line for line in done.stdout.splitlines() if line in names] == names
    assert len(set(names)) == len(names)


def test_a_fleet_has_the_stored_rows_that_its_jobs_imply(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored of the copies is what computing it from their jobs gives."""
    monkeypatch.setattr(fleet, "IMPORTED", 1)
    fleet.fill(engine, 2 * fleet.PER_APPLIANCE)
    with db.reading(engine) as connection:
        assert list(totals.differences(connection)) == []
        assert judged_backups.differences(connection) == []


def test_a_history_comes_night_by_night_in_tenths(tmp_path: Path) -> None:
    """Every appliance has a job each night, and the last one is left for a collection."""
    found = history.write(tmp_path, 2 * history.NIGHTS)
    assert (found.appliances, found.jobs) == (2, 2 * history.NIGHTS)
    written = [line for tenth in found.tenths for line in tenth.path.read_text().splitlines()]
    keys = [json.loads(line)["job"] for line in written]
    assert len(written) == sum(tenth.jobs for tenth in found.tenths) == found.jobs
    assert [key[:8] for key in keys] == sorted(key[:8] for key in keys)
    for name, lines_ in found.answers.items():
        assert {line.appliance for line in lines_} == {name}
        assert [line.key in keys for line in lines_] == [True] * (len(lines_) - 1) + [False]
        assert lines_[-2].key < found.tenths[-1].seen_at[:10].replace("-", "") < lines_[-1].key


@pytest.mark.parametrize(
    ("figures", "fixed", "exponent", "large"),
    [
        ({1000: 1.0, 10_000: 10.0, 100_000: 100.0}, 0, 1, 1000),
        ({1000: 0.6, 10_000: 1.5, 100_000: 10.5}, 0.5, 1, 100.5),
        ({1000: 7.0, 10_000: 7.0}, 0, 0, 7),
        ({1000: 0.5, 10_000: 0.4}, 0.6, 0, 0.5),
    ],
)
def test_law_of_growth(
    figures: dict[int, float], fixed: float, exponent: float, large: float
) -> None:
    found = law.fit(figures, fixed)
    assert found.exponent == pytest.approx(exponent)
    assert found.at(1_000_000) == pytest.approx(large)


def test_growth_table_says_what_is_extrapolated() -> None:
    measured = {jobs: {"size": Figure(jobs / 1000, "MB")} for jobs in (1000, 100_000)}
    head, row, note = table(measured, 0.5)
    assert head.split() == ["jobs", "1,000", "100,000", "exponent", "10,000,000*"]
    assert row.split() == ["size", "1.00", "100.00", "1.00", "10,000.00", "MB"]
    assert note == "* extrapolated by the exponent from 100,000 jobs, not measured"
