"""Read and write the rows of the archive."""
