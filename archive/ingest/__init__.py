"""Files and answers into the archive: opened, taken apart, parsed, stored."""
