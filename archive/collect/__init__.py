"""Collections: query the appliances of a fleet, several at a time, and store their answers."""
