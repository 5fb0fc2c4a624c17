"""The HTTP client for a vCenter Server appliance."""
