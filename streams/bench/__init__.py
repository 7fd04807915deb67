"""`loupan bench`: how fast it is here, beside the peers of the same run."""
