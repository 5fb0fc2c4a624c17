"""Asking a vCenter Server appliance over HTTPS for its backup jobs."""
