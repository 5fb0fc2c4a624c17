"""A run over the fleet: appliances queried side by side, their answers stored."""
