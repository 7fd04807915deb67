"""Geocoders: from an address to a point, by somebody else's service, where nothing of ours knows better.

Off unless the settings name one. What a provider said is kept in the database, and how often it was asked a day is
counted there; one that fails is less evidence, never an error. No service ever sees a building, a unit or a room.
"""
