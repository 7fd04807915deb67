"""A real city with a simulated life: what `loupan demo` shows and what recorded streams for tests are made of."""
