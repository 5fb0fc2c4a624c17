"""Made-up imports of a fleet: seeded, about 2 KB a document, as exported lines or answers.

A document has 1 to 6 messages with arguments, a third of them with params. How many messages differ,
and in which order the jobs come, is what a load depends on most: see `Mix`. Jobs run nightly; the
fleet's history ends on one day.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

END = datetime(2026, 9, 30, tzinfo=UTC)
SERVICE = "com.vmware.appliance.recovery.backup.job"
PARTS = ("seat", "common", "config", "vum", "statsdb", "wcp", "lookup", "sso")
DAEMONS = ("vpxd", "vmdird", "vpostgres", "rhttpproxy", "sps", "vsan-health", "eam", "imagebuilder")
TEXTS = (
    (
        "Backup manager has started the backup of the component {0} and streams it to the backup target."
        " It is written in segments, each with a checksum of its own."
    ),
    (
        "Component {0} has been written to the backup target by way of {1}; the checksum of the last"
        " segment agrees with the one that the target reports."
    ),
    (
        "The service {1} was quiesced while component {0} was read, and continued afterwards. Requests"
        " that came meanwhile have been queued and answered."
    ),
    (
        "The storage of component {0} grew during the backup; the estimate that was made before it no"
        " longer holds, and more segments were written than planned."
    ),
    (
        "Writing a segment of {0} to the backup target was tried again after {1} had not answered in"
        " time. The second attempt succeeded; consider a shorter path."
    ),
    (
        "The metadata file of the backup has been written, and its manifest lists the component {0} with"
        " the checksums of all of its segments."
    ),
    (
        "An appliance with {0} and {1} enabled needs the same components when it is restored from this"
        " backup; enable them during the deployment."
    ),
    (
        "Backups of this appliance beyond the retention count have been removed from the backup target,"
        " with the component {0} and all others in them."
    ),
)
BUILDS = (
    ("vCenter Server 7.0 Update 3", "7.0.3.01400", "21477706"),
    ("vCenter Server 8.0 Update 1", "8.0.1.00300", "22088981"),
    ("vCenter Server 8.0 Update 2", "8.0.2.00000", "22385739"),
    ("vCenter Server 8.0 Update 3", "8.0.3.00200", "24305161"),
)
HOSTS = ("backup-a.example.com", "backup-b.example.com", "nas.example.com")


class Mix(NamedTuple):
    """What differs between kinds of documents.

    `own` is the share of messages that no other job has, `doubles` the share of documents with a
    double among their params. With `appliances` that many send their jobs night by night, otherwise
    one after the other. `whole` says that descriptions and progress differ, too.
    """

    name: str
    own: float
    doubles: float
    appliances: int | None
    whole: bool = False


FEW = Mix("few distinct messages", 0, 0, None)
INTERLEAVED = Mix("half of the messages distinct, appliances interleaved", 0.5, 0.3, 300)
DISTINCT = Mix("every message distinct", 1, 0, None, whole=True)
MIXES = (FEW, INTERLEAVED, DISTINCT)


class Line(NamedTuple):
    """One job: its appliance, its key, and its details as JSON text."""

    appliance: str
    key: str
    info: str


def lines(
    number: int, *, per_appliance: int = 1000, seed: int = 1, mix: Mix = FEW
) -> Iterator[Line]:
    """Yield documents, oldest first: appliance by appliance, or night by night."""
    random = Random(seed)
    shared = _messages()
    texts = [json.dumps(message) for message in shared]
    for place in range(number):
        if mix.appliances is None:
            appliance, night = divmod(place, per_appliance)
            nights = min(per_appliance, number - appliance * per_appliance)
        else:
            night, appliance = divmod(place, mix.appliances)
            nights = -(-number // mix.appliances)
        start = END - timedelta(days=nights - night, seconds=random.randrange(5 * 3600))
        name = f"vc{appliance:05}.example.com"
        key = f"{start:%Y%m%d-%H%M%S}-{21_000_000 + place % 9_999_999}"
        chosen = random.sample(range(len(texts)), random.randint(1, 6))
        messages = [texts[index] for index in chosen]
        if mix.own:
            messages = [
                _own(random, shared[index], start) if random.random() < mix.own else texts[index]
                for index in chosen
            ]
        if mix.doubles and random.random() < mix.doubles:
            messages[0] = _with_double(random, messages[0])
        yield Line(name, key, _info(random, name, start, messages, key if mix.whole else ""))


def write_lines(path: Path, number: int, *, per_appliance: int = 1000, mix: Mix = FEW) -> int:
    """Write documents as JSON Lines that name their appliances; return the bytes written."""
    with path.open("w", encoding="ascii") as file:
        for name, key, info in lines(number, per_appliance=per_appliance, mix=mix):
            file.write(f'{{"appliance":"{name}","job":"{key}","info":{info}}}\n')
    return path.stat().st_size


def write_answers(folder: Path, number: int, *, per_appliance: int = 1000) -> list[Path]:
    """Write one answer of `/api` for each appliance, and return the files in order."""
    answers: dict[str, list[str]] = {}
    for name, key, info in lines(number, per_appliance=per_appliance):
        answers.setdefault(name, []).append(f'"{key}":{info}')
    paths = []
    for name, documents in answers.items():
        path = folder / f"{name}.json"
        path.write_text("{" + ",".join(documents) + "}", encoding="ascii")
        paths.append(path)
    return paths


def _messages() -> list[dict[str, Any]]:
    """Return all messages: every text with each of its arguments."""
    messages: list[dict[str, Any]] = []
    for number, text in enumerate(TEXTS):
        for part in PARTS:
            for daemon in DAEMONS if "{1}" in text else DAEMONS[:1]:
                args = [part, daemon][: text.count("{")]
                message: dict[str, Any] = {
                    "id": f"{SERVICE}.step{number}",
                    "default_message": text.format(part, daemon),
                    "args": args,
                }
                if number % 3 == 0:
                    message["params"] = {"part": {"s": part}, "at": {"i": 1 + len(messages) % 8}}
                messages.append(message)
    return messages


def _own(random: Random, message: dict[str, Any], start: datetime) -> str:
    """Return a message that no other job has: its text and an argument say how much was written."""
    written = f"{random.randrange(10**12)} bytes by {start:%Y-%m-%d %H:%M:%S}"
    text = f"{message['default_message']} Written: {written}."
    return json.dumps(message | {"default_message": text, "args": [*message["args"], written]})


def _with_double(random: Random, message: str) -> str:
    value: dict[str, Any] = json.loads(message)
    minutes = {"d": round(random.lognormvariate(2.5, 0.6), 2), "precision": 2}
    value["params"] = {**value.get("params", {}), "minutes": minutes}
    return json.dumps(value)


def _info(random: Random, name: str, start: datetime, messages: list[str], own: str) -> str:
    updates = (END - start).days * len(BUILDS) // 1000
    version_name, version, build_number = BUILDS[max(len(BUILDS) - 1 - updates, 0)]
    usual = crc32(name.encode()) % 1000 / 1000  # an appliance's sizes vary little
    seconds = int(random.lognormvariate(5.7 + usual, 0.08)) + 20
    size = int(random.lognormvariate(21 + usual, 0.02))
    failed = random.random() < 0.04
    end = start + timedelta(seconds=seconds)
    host = HOSTS[len(name + version) % 3]
    folder = f"vCenter/sn_{name}/S_{version}_{start:%Y%m%d-%H%M%S}_"
    done = random.randrange(100) if failed else 100
    status = "FAILED" if failed else "SUCCEEDED"
    type_ = "MANUAL" if random.random() < 0.05 else "SCHEDULED"
    chosen = ",".join(messages)
    of_job = f" {own}" if own else ""
    return (
        f'{{"location":"sftp://{host}/srv/vcenter/{folder}","location_user":"svc-backup",'
        f'"type":"{type_}","messages":[{chosen}],"build":{{"version_name":"{version_name}",'
        f'"version":"{version}","build_number":"{build_number}"}},"user":"root",'
        f'"description":{{"id":"{SERVICE}.description","default_message":"Backup job{of_job}","args":[]}},'
        f'"service":"{SERVICE}","operation":"{SERVICE}.create","status":"{status}",'
        f'"cancelable":false,"duration":{seconds},"size":{size},"progress":{{"total":100,'
        f'"completed":{done},"message":{{"id":"{SERVICE}.progress","default_message":"{done}%{of_job}",'
        f'"args":["{done}"]}}}},"start_time":"{start:%Y-%m-%dT%H:%M:%S.000Z}",'
        f'"end_time":"{end:%Y-%m-%dT%H:%M:%S.000Z}"}}'
    )
