"""Notifications of new problems and recoveries, sent to where people are."""
