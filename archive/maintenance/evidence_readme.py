"""The page of instructions in a bundle of evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.text import counted

if TYPE_CHECKING:
    from archive.calendar import Calendar
    from archive.maintenance.evidence_bundle import Selected, Written

_PAGE = """\
Evidence from a backup archive of vCenter Server appliances
===========================================================

Days:        {days}, of the calendar in settings.csv ({zone}, days start at {day_start})
Appliances:  {appliances}
Documents:   {documents}{masked}
Chain:       links {first} to {head_number}
Head:        {head}

Times are in UTC. You need no program of ours to check this folder: a shell with sha256sum, awk and grep does.


The files
---------

README.txt        this page
SHA256SUMS        the SHA-256 of all other files
documents.jsonl   the backup jobs as the appliances reported them, one a line (canonical JSON of vSphere's
                  Details.Info: keys sorted, times in UTC)
documents.csv     which job each line is, with the SHA-256 that was recorded when it was imported
compliance.csv    each expected backup, and the job that met it, or the last attempt
schedules.csv     the backup schedules of the appliances, with the times in which they were seen
versions.csv      their versions; time_zones.csv: their time zones
appliances.csv    what was configured: cadence, RPO, retirement, legal hold; settings.csv: the calendar
imports.csv       each file or answer that was taken in; collections.csv: each attempt to query an appliance
maintenance.csv   what changed the history otherwise: undone imports, forgotten, merged, renamed, pruned
received.csv      the documents that each link of the chain brought
facts.csv         what each appliance reported of itself when that changed, and what was configured for it (JSON)
chain.csv         the chain: a link for what each import brought, for each line of maintenance.csv and facts.csv


1. Is the folder complete and unchanged?
----------------------------------------

    sha256sum --strict --check SHA256SUMS

2. Are the documents those that were imported?
----------------------------------------------

Line 1 of documents.jsonl has this SHA-256, and documents.csv says which it must have:

    sed -n 1p documents.jsonl | tr -d '\\n' | sha256sum
    awk -F, '$1 == 1' documents.csv

All lines, without those in which a password was hidden ("yes" in the last column; their SHA-256 is that of the
document with the password). It prints nothing if all are right:

    tail -n +2 documents.csv | awk -F, '$NF == "no" {{ print $1, $(NF - 1) }}' | while read -r line sum; do
        sed -n "${{line}}p" documents.jsonl | tr -d '\\n' | sha256sum | grep -q "^$sum" || echo "line $line differs"
    done

3. Did an import bring them?
----------------------------

Each document is in received.csv, with the number of the link that brought it. For the document of line 1:

    grep "$(awk -F, '$1 == 1 {{ print $(NF - 1) }}' documents.csv)" received.csv

The digest of a link in chain.csv (column 9) is the SHA-256 of its lines in received.csv. For link {first}, if it is an
import that brought documents of the appliances above:

    grep '^{first},' received.csv | sha256sum

The digest of a link `facts` or `settings` (column 4) is that of its line in facts.csv, found in the same way. The digest
of any other link is that of a line of maintenance.csv, whose number is in column 5. For line 1:

    grep '^1,' maintenance.csv | sha256sum

4. Is the chain unbroken?
-------------------------

Column 11 of chain.csv, `link`, is the SHA-256 of everything before it in its line, and the line begins with the link
before. Both commands print nothing if the chain is unbroken:

    tail -n +2 chain.csv | while IFS= read -r line; do
        text=${{line%,*,*}}; rest=${{line#"$text",}}
        [ "$(printf '%s' "$text" | sha256sum | cut -c 1-64)" = "${{rest%,*}}" ] || echo "differs: $line"
    done
    awk -F, 'NR > 2 && $1 != link {{ print "broken before line " NR }} {{ link = $(NF - 1) }}' chain.csv

With the key, the last column is the HMAC-SHA-256 of the same text (put the key into KEY first):

    printf '%s' "$text" | openssl dgst -sha256 -hmac "$KEY"

5. Is it the chain that there was then?
---------------------------------------

Somebody who can write to the archive can compute a whole new chain. So compare the head above, and others in chain.csv,
with copies that were kept elsewhere: each mail of `archive mail` has the number and the link of its day. With a
key, nobody without the key can compute a new chain; compare the last column.


What this cannot prove
----------------------

- That an appliance reported the truth, or was asked. Gaps between imports are in collections.csv and imports.csv.
- That nothing was removed from the end of the chain since the last copy of its head.
- Without a key and without copies of heads: that the chain was not computed anew.
- What jobs that were pruned or forgotten contained. maintenance.csv says when that was done, received.csv which
  documents they had (not for a forgotten appliance).

`archive evidence verify FOLDER` makes the same checks in one go, and names the file and the line that differs.
"""


def text(selected: Selected, written: Written, calendar: Calendar) -> str:
    """Return the page for a bundle."""
    days = f"{selected.since or 'the first'} to {selected.until or 'the last'}"
    masked = f"; passwords are hidden in {counted(written.masked, 'document')}"
    return _PAGE.format(
        days=days,
        zone=calendar.zone,
        day_start=calendar.day_start,
        appliances=", ".join(selected.appliances) or "all",
        documents=f"{written.documents:,}",
        masked=masked if written.masked else "",
        first=written.first_link,
        head_number=written.head.id,
        head=written.head,
    )
