"""One job's document: read it, repair it, flatten it into rows, rebuild it; no database."""
