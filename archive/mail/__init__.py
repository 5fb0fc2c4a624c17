"""The summary of the fleet by mail: composing (`letter`, `headline`) and sending it (`post`)."""
