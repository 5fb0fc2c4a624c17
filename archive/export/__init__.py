"""Export the archive for other programs: CSV, JSON Lines, Parquet.

`relations` says which rows, in which order and with which passwords hidden; `text` and `parquet`
write them; `views` has the columns of the views, which SQLAlchemy cannot know. All of one export is
read in one transaction of the caller, so its files fit together.
"""
