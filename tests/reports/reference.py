"""The fleet whose every report is in tests/data/reference, computed by hand.

Six weeks, from Monday 2 March to Sunday 12 April 2026, a letter a day. Every job starts at 03:00 UTC:

    S  it succeeded           t  it succeeded, with only 1 GiB
    F  it failed              R  it was running when it was last seen
    .  there was no job

    vc-ams  reported its schedule, 02:30 in Berlin with 7 retained copies, on 8 March. It was upgraded on
            23 March. Its first backup has 100 GiB, and each day's is 1 GiB larger, also after a day
            without one. It takes 1024 s, so the 100 GiB go at 100 MiB/s.
    vc-ber  is failing. Always 50 GiB in 512 s: 100 MiB/s. Until 15 March it went to another target.
    vc-chi  backs up on Sundays, as configured. 20 GiB in 2048 s: 10 MiB/s.
    vc-del  stopped reporting on 25 March. 10 GiB in 1024 s: 10 MiB/s.
    vc-eze  was asked once, and has never answered.

Failed jobs ran for a minute and have a size of 1 GiB; so do running jobs.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from archive.document.appliance_facts import Schedule
from archive.store import collection_log
from archive.store.collection_log import Attempt
from tests.reports.nights import at, tell
from tests.support.archives import import_documents
from tests.support.copies import copied
from tests.support.samples import job

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

NOW = "2026-04-12T20:00:00Z"
CONFIGURATION = '[[appliance]]\nname = "vc-chi"\ncadence = "7d"\n'
FIRST = datetime.fromisoformat("2026-03-02T03:00")
FLEET = {
    #            2 March  9 March  16 March 23 March 30 March 6 April
    "vc-ams": "  SSSSSSS  SSFSSSS  SSSSSSS  SSSSS.S  SSStSSS  SSSSSSS",
    "vc-ber": "  SSSSSSS  SSSSSSS  SSFFSSS  SSSSSSS  SSSSSSS  SSSFFFF",
    "vc-chi": "  ......S  ......S  ......F  ......S  .......  ......S",
    "vc-del": "  SSSSSSS  SSSSSSS  SSSSSSS  SSR....  .......  .......",
}
# Each answer, at 18:00, has all jobs started so far. One document of vc-ber is missing.
ANSWERS = {
    "2026-03-08": ("vc-ams", "vc-ber", "vc-chi", "vc-del"),
    "2026-03-15": ("vc-ams", "vc-ber", "vc-chi", "vc-del"),
    "2026-03-22": ("vc-ams", "vc-ber", "vc-chi", "vc-del"),
    "2026-03-25": ("vc-del",),
    "2026-03-29": ("vc-ams", "vc-chi"),
    "2026-04-05": ("vc-ams", "vc-ber", "vc-chi"),
    "2026-04-12": ("vc-ams", "vc-ber", "vc-chi"),
}
STATUS = {"S": "SUCCEEDED", "t": "SUCCEEDED", "F": "FAILED", "R": "RUNNING"}
SECONDS = {"vc-ams": 1024, "vc-ber": 512, "vc-chi": 2048, "vc-del": 1024}
GIB = 2**30
OLD = {"version_name": "8.0 U2", "version": "8.0.2.00100", "build_number": "22617221"}
NEW = {"version_name": "8.0 U3", "version": "8.0.3.00400", "build_number": "24322831"}
NAS, OLD_NAS = "sftp://nas.example.com/backup", "sftp://old.example.com/backup"
FULL = {"id": "backup.full", "default_message": "The target is full", "args": []}
GAVE_UP = {"id": "backup.gave.up", "default_message": "Gave up after 3 tries", "args": []}
SCHEDULE = Schedule("default", True, 2, 30, None, 7, None, None, None, None, None)  # noqa: FBT003 - as in the answer


def document(name: str, number: int, letter: str) -> dict[str, Any]:
    """Return the job of an appliance on a day, counted from 0."""
    start = FIRST + timedelta(days=number)
    seconds, size = SECONDS[name], _size(name, number) if letter == "S" else GIB
    if letter in "FR":
        seconds = 60
    times = {"start_time": f"{start.isoformat()}.000Z"}
    if letter != "R":
        times["end_time"] = f"{(start + timedelta(seconds=seconds)).isoformat()}.000Z"
    return job(
        STATUS[letter],
        **times,
        duration=seconds,
        size=size,
        location=OLD_NAS if name == "vc-ber" and number < 14 else NAS,
        build=NEW if name == "vc-ams" and number >= 21 else OLD,
        messages=_messages(name, number) if letter == "F" else [],
    )


def _size(name: str, number: int) -> int:
    sizes = {"vc-ams": 100 + number, "vc-ber": 50, "vc-chi": 20, "vc-del": 10}
    return sizes[name] * GIB


def _messages(name: str, number: int) -> list[dict[str, Any]]:
    """Return messages: vc-ber is refused, at another port from April; for others the disk is full."""
    if name != "vc-ber":
        return [FULL]
    port = "22" if number < 30 else "2222"
    text = f"Connection refused at port {port}"
    refused = {"id": "backup.refused", "default_message": text, "args": [port]}
    return [refused] if number < 30 else [refused, GAVE_UP]


def jobs(name: str) -> dict[str, dict[str, Any]]:
    """Return all jobs of an appliance by their keys."""
    letters = enumerate(FLEET[name].replace(" ", ""))
    return {
        f"{FIRST + timedelta(days=number):%Y%m%d}-030000-1": document(name, number, letter)
        for number, letter in letters
        if letter != "."
    }


@copied
def load(engine: Engine) -> None:
    """Import the answers in their order; one has a document that is no job."""
    for day, names in ANSWERS.items():
        for name in names:
            answer: dict[str, Any] = {
                key: info for key, info in jobs(name).items() if key[:8] <= day.replace("-", "")
            }
            if (name, day) == ("vc-ber", "2026-04-12"):
                answer["20260412-040000-1"] = {"no": "status"}
            import_documents(engine, answer, name, at(f"{day}T18:00"))
    tell(engine, "vc-ams", at("2026-03-08T18:00"), (SCHEDULE,), "Europe/Berlin")
    number = collection_log.begin(engine, 1)
    asked = Attempt("vc-eze", at("2026-04-12T18:00"), None, "failed", "no route to it", None)
    collection_log.record_failure(engine, number, asked)
    collection_log.finish(engine, number)
