"""Brings models that were trained elsewhere under the platform's governance, many at once."""
