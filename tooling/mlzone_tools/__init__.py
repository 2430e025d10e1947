"""The mlzone command line and its services."""
