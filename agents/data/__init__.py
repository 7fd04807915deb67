"""What the core's small models were fitted on, and what came of it."""
