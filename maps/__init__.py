"""Where things are: coordinates and datums, the estate book, names, the locator, the flow map."""
