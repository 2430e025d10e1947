"""The model life cycle, as a person works with it: one use case a module."""
