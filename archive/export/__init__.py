"""The archive written for other programs: CSV, JSON Lines, Parquet."""
