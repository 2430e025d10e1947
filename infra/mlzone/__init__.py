"""The governance model: the estate and what follows from it, as pure data."""
