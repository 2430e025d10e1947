"""Use cases; none of them prints."""
