"""Reads the estate from YAML in three steps: parse, shape, consistency."""

from mlzone.loading.load import load_estate
from mlzone.loading.problem import EstateError, Place, Problem

__all__ = ["EstateError", "Place", "Problem", "load_estate"]
