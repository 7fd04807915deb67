"""How well `loupan locate` places: probes from real listings, their measure, the fit of the core's numbers."""
