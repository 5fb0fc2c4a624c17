"""Checking and changing a whole archive."""
