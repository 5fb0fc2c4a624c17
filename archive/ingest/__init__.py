"""Import files and answers: open, split into documents, parse, store."""
