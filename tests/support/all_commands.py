"""Commands that together send every kind of statement: those that read, and those that write.

They suit the archive that `everything.fill` makes.
"""

from __future__ import annotations

from archive import reports
from archive.db.comments import VIEWS
from archive.reports import sql_files
from tests.support.samples import DATA

READS = [
    *(("report", name) for name in reports.REPORTS),
    *(("sql", name) for name in sql_files.names()),
    *(("sql", f"SELECT * FROM {view}") for view in VIEWS),
    *(
        ("report", name, "--since", "2026-05-03", "--until", "2026-07-20", *further)
        for name, *further in (
            ("success", "--period", "year"),
            ("success", "--by", "build"),
            ("volume", "--by", "appliance", "--location", "sftp://*"),
            ("throughput", "--by", "location"),
            ("locations",), ("builds",), ("failures", "--by", "build"), ("compliance",), ("missed",),
        )
    ),
    ("check",), ("metrics",), ("dashboard", "-o", "page.html"), ("mail", "-o", "mail.eml"), ("job", "list"), ("evidence", "head"),
    *(("log", name) for name in ("imports", "collections", "appliances", "maintenance")),
    ("import", "list"), ("appliance", "list"), ("quarantine", "list"), ("export", "jsonl"),
    *(("export", "csv", "--view", view, "--output", "-") for view in ("v_job", "v_day")),
    ("db", "verify"), ("db", "verify", "--fast"),
]  # fmt: skip
WRITES = [
    ("ingest", str(DATA / "details_api.json"), "-a", "vc08", "--seen-at", "2026-08-01T00:00:00Z"),
    ("ingest", str(DATA / "details_api.json"), "-a", "vc08", "--seen-at", "2026-08-02T00:00:00Z"),
    ("quarantine", "retry"),
    ("appliance", "rename", "vc08", "vc18"),
    ("appliance", "retire", "vc18", "--from", "2026-09-01"),
    ("appliance", "hold", "vc18"),
    ("appliance", "release", "vc18"),
    ("ingest", str(DATA / "details_api.json"), "-a", "vc09", "--seen-at", "2026-08-02T00:00:00Z"),
    ("appliance", "merge", "vc09", "vc18", "--yes"),
    ("db", "calendar", "--day-start", "16:00"),
    ("db", "prune", "--keep", "90d", "--yes"),
    ("db", "vacuum"),
    ("db", "rebuild"),
    ("appliance", "forget", "vc18", "--yes"),
]
