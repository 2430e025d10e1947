"""Modules that Lambda gives to a function besides its own code."""
