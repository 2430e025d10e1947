"""Cloud assemblies: made in parts, one a stack, by several processes, and remembered."""

from mlzone_tools.services.assembly.making import Source, parts_of
from mlzone_tools.services.assembly.part import Frame, Part, join

__all__ = ["Frame", "Part", "Source", "join", "parts_of"]
