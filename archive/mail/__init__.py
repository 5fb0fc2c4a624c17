"""The summary of the fleet by mail: composing and sending it."""
