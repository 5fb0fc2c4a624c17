"""The fleet's configuration: which appliances there are, how to reach them, what to trust."""
