"""Pictures to send: the map of a city as PNG or HTML, and a campaign's story."""
