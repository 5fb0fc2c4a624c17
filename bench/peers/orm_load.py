"""An obvious first version of the load: classes with relationships, one session, `add_all`.

Called with `prepare URL`, which makes the tables, or with `load URL FILE`; one commit an import,
which is all the jobs of one appliance. Prints the seconds without imports as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.types import DateTime

if TYPE_CHECKING:
    from collections.abc import Iterator


class Base(DeclarativeBase):
    """What all classes share."""

    type_annotation_map = {int: BigInteger, datetime: DateTime(timezone=True)}  # noqa: RUF012 - as SQLAlchemy spells it

    id: Mapped[int] = mapped_column(primary_key=True)


class Job(Base):
    """A backup job."""

    __tablename__ = "orm_job"
    __table_args__ = (UniqueConstraint("appliance", "key"),)

    appliance: Mapped[str]
    key: Mapped[str]
    status: Mapped[str]
    type: Mapped[str]
    service: Mapped[str]
    operation: Mapped[str]
    location: Mapped[str]
    location_user: Mapped[str]
    user: Mapped[str]
    version_name: Mapped[str]
    version: Mapped[str]
    build_number: Mapped[str]
    cancelable: Mapped[bool]
    duration: Mapped[int]
    size: Mapped[int]
    total: Mapped[int]
    completed: Mapped[int]
    start_time: Mapped[datetime]
    end_time: Mapped[datetime]
    messages: Mapped[list[Message]] = relationship()


class Message(Base):
    """A message of a job: one of its list, its description or that of its progress."""

    __tablename__ = "orm_message"

    job_id: Mapped[int] = mapped_column(ForeignKey(Job.id), index=True)
    seq: Mapped[int]
    role: Mapped[str]
    message_id: Mapped[str]
    default_message: Mapped[str]
    args: Mapped[list[Arg]] = relationship()
    params: Mapped[list[Param]] = relationship()


class Arg(Base):
    """An argument of a message."""

    __tablename__ = "orm_arg"

    owner_id: Mapped[int] = mapped_column(ForeignKey(Message.id), index=True)
    seq: Mapped[int]
    value: Mapped[str]


class Param(Base):
    """A named parameter of a message."""

    __tablename__ = "orm_param"

    owner_id: Mapped[int] = mapped_column(ForeignKey(Message.id), index=True)
    name: Mapped[str]
    s: Mapped[str | None]
    i: Mapped[int | None]


def prepare(url: str) -> None:
    """Make the tables."""
    Base.metadata.create_all(create_engine(url))


def load(url: str, path: str) -> None:
    """Load the file, and print how long it took."""
    start = time.perf_counter()
    with Session(create_engine(url)) as session:
        for _, lines in groupby(_lines(Path(path)), key=lambda line: line["appliance"]):
            session.add_all([_job(line) for line in lines])
            session.commit()
    print(json.dumps({"without start-up and imports": time.perf_counter() - start}))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def _job(line: dict[str, Any]) -> Job:
    info = line["info"]
    build, done = info["build"], info["progress"]
    messages = [("message", message) for message in info["messages"]]
    messages += [("description", info["description"]), ("progress", done["message"])]
    return Job(
        appliance=line["appliance"],
        key=line["job"],
        status=info["status"],
        type=info["type"],
        service=info["service"],
        operation=info["operation"],
        location=info["location"],
        location_user=info["location_user"],
        user=info["user"],
        version_name=build["version_name"],
        version=build["version"],
        build_number=build["build_number"],
        cancelable=info["cancelable"],
        duration=info["duration"],
        size=info["size"],
        total=done["total"],
        completed=done["completed"],
        start_time=datetime.fromisoformat(info["start_time"]),
        end_time=datetime.fromisoformat(info["end_time"]),
        messages=[_message(seq, role, message) for seq, (role, message) in enumerate(messages)],
    )


def _message(seq: int, role: str, message: dict[str, Any]) -> Message:
    return Message(
        seq=seq,
        role=role,
        message_id=message["id"],
        default_message=message["default_message"],
        args=[Arg(seq=seq, value=value) for seq, value in enumerate(message["args"])],
        params=[
            Param(name=name, s=value.get("s"), i=value.get("i"))
            for name, value in message.get("params", {}).items()
        ],
    )


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(sys.argv[2])
    else:
        load(*sys.argv[2:])
