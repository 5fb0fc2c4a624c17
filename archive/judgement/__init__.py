"""What was expected of backups and what became of it; no database."""
