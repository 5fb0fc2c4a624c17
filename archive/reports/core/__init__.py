"""Building blocks of reports: scope, date ranges, SQL, comparison and charts."""
