"""Export the archive for other programs: CSV, JSON Lines, Parquet."""
