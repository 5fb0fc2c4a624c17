"""What reports are made of: the question asked, SELECTs, dates, charts."""
