"""All claims, in the order in which they are measured."""

from __future__ import annotations

from bench import (
    before,
    bound,
    collect,
    dashboard,
    first_load,
    judged_reports,
    latest,
    memory,
    mixes,
    monitoring,
    orm,
    reingest,
    reports,
    serve,
    startup,
    totals,
    trends,
)
from bench.growth import claim as growth
from bench.judgement import claim as judgement
from bench.judgement import cost

CLAIMS = (
    first_load.ON_POSTGRESQL,
    first_load.ON_SQLITE,
    mixes.CLAIM,
    before.CLAIM,
    orm.CLAIM,
    bound.CLAIM,
    reingest.CLAIM,
    totals.CLAIM,
    trends.CLAIM,
    latest.CLAIM,
    reports.CLAIM,
    judged_reports.CLAIM,
    dashboard.CLAIM,
    monitoring.CLAIM,
    serve.CLAIM,
    collect.CLAIM,
    memory.CLAIM,
    startup.CLAIM,
    judgement.CLAIM,
    cost.CLAIM,
    growth.CLAIM,
)
