"""The laws of imports, on both databases through real tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from archive import db
from archive.document import canonical
from archive.maintenance import verify
from archive.store import job_reader
from tests.support.archives import content, each, import_documents, lines
from tests.support.laws import EXAMPLES
from tests.support.samples import job
from tests.support.strategies import documents as details

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

# The archives are emptied before each example, so sharing them between examples is safe.
shared = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=EXAMPLES,
    # Shrinking through two databases takes minutes; the examples are small anyway.
    phases=[Phase.explicit, Phase.generate],
)
KEYS = st.sampled_from(["20260724-021500-25148086", "20260725-021500-25148086", "x"])
SEEN = st.sampled_from([f"2026-07-24T{hour:02d}:00:00.000000Z" for hour in range(4)])


@shared
@given(st.dictionaries(st.text(min_size=1, max_size=9).filter(lambda key: "\0" not in key), details(), min_size=1, max_size=4))  # fmt: skip
def test_documents_are_rebuilt_as_imported(engines: list[Engine], jobs: dict[str, Any]) -> None:
    """Every document is rebuilt from either database's tables as its canonical form."""
    wanted = {key: canonical.read(info).text for key, info in jobs.items()}
    exports = []
    for engine in each(engines):
        import_documents(engine, jobs)
        exports.append(lines(engine))
        found = {
            entry["job"]: entry["info"] for entry in map(json.loads, exports[-1].split("\n")[:-1])
        }
        assert found == {key: json.loads(text) for key, text in wanted.items()}
        with db.reading(engine) as connection:
            assert {job.key: job.text for job in job_reader.jobs(connection)} == wanted
        assert list(verify.verify(engine)) == []
    assert exports[0] == exports[1]


_STATES = [
    job("PENDING"),
    job("BLOCKED"),
    job("RUNNING", progress={**job("RUNNING")["progress"], "completed": 20}),
    job("RUNNING", progress={**job("RUNNING")["progress"], "completed": 60}, duration=90),
    job("SUCCEEDED"),
    job("FAILED", messages=[{"id": "m", "default_message": "no", "args": ["a"]}]),
    job("FAILED", new_field=1),
    job("CANCELED"),
    {"no": "job"},
]
IMPORT = st.tuples(
    st.sampled_from(["vc01", "vc02"]),
    SEEN,
    st.dictionaries(KEYS, st.sampled_from(_STATES), min_size=1, max_size=3),
)


@shared
@given(
    st.lists(IMPORT, min_size=1, max_size=5).flatmap(
        lambda imports: st.tuples(
            st.just(imports),
            st.permutations(imports),
            st.lists(st.sampled_from(imports), max_size=3),
        )
    ),
    st.booleans(),
)
def test_order_and_repetition_do_not_matter(
    engines: list[Engine],
    orders: tuple[list[Any], list[Any], list[Any]],
    split: bool,  # noqa: FBT001 - drawn by Hypothesis
) -> None:
    """Any order, repetition or split of the same imports gives the same archive."""
    imports, permuted, repeated = orders
    contents = []
    for sequence in (imports, [*repeated, *permuted]):
        for engine in each(engines):
            for appliance, seen_at, jobs in sequence:
                if split and sequence is not imports:
                    for key, info in reversed(jobs.items()):
                        import_documents(engine, {key: info}, appliance, seen_at)
                else:
                    import_documents(engine, jobs, appliance, seen_at)
            contents.append(content(engine))
    for found in contents[1:]:
        assert found == contents[0]


@shared
@given(st.lists(IMPORT, min_size=1, max_size=4))
def test_export_recreates_the_archive(engines: list[Engine], imports: list[Any]) -> None:
    """Ingesting an export into an empty archive gives the same jobs, seen at the same times."""
    for engine in each(engines):
        for appliance, seen_at, jobs in imports:
            import_documents(engine, jobs, appliance, seen_at)
        before = content(engine)
        exported = lines(engine)
        for other in each(engines):
            if exported:
                import_documents(other, exported.encode(), None, name="export.jsonl")
            after = content(other)
            assert {name: after[name] for name in ("jobs", "days", "findings")} == {
                name: before[name] for name in ("jobs", "days", "findings")
            }
        empty_again = list(each([engine]))
        assert empty_again == [engine]
