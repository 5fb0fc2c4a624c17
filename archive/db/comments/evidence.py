"""Descriptions of the tables of the chain of evidence, and of their columns."""

from __future__ import annotations

from archive.db.comments.phrases import APPLIANCE, Described

# In the order of the page.
EVIDENCE_TABLES = {
    "evidence_link": Described(
        "a link of the chain of evidence: what an import brought, or what was changed",
        {
            "id": "number of the link, from 1 without gaps, in the order of commits",
            "recorded_at": "when the link was made",
            "what": "import, facts, settings, or the kind of maintenance, as in maintenance.what",
            "subject_id": "number of the import, the maintenance, or of the appliance of settings",
            "appliance_name": "the appliance, by its name at that time; NULL: several, or none",
            "seen_at": "time of the content of the import; NULL: maintenance",
            "documents": "number of new and changed documents of the import, or of jobs that maintenance changed",
            "digest": "SHA-256 of the lines of the documents, of the line of the maintenance, or of facts",
            "key_id": "name of the key of mac; NULL: no key was configured",
            "link": "SHA-256 of the link before and of all columns up to key_id",
            "mac": "HMAC-SHA-256 of the same with the key",
            "facts": "facts: version, time zone and schedules from then on; settings: cadence, RPO and retirement (JSON)",
        },
    ),
    "evidence_list": Described(
        "a list of documents of a link, kept after the jobs have changed or gone",
        {
            "appliance_id": APPLIANCE,
            "link_id": "number of the link",
            "seq": "number of the part of the list, from 0",
            "job_keys": "keys of the jobs in UTF-8, each followed by a zero byte",
            "digests": "SHA-256 of their documents, 32 bytes each, in the same order",
        },
    ),
}
