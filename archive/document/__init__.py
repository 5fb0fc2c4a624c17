"""One job's document: read, repaired, flattened into rows and rebuilt; no database."""
