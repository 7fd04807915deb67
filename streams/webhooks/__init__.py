"""Standard Webhooks, out and in, and a staff group's robot as one kind of endpoint."""
