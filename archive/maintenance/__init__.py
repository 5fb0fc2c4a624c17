"""What keeps an archive right over the years."""
