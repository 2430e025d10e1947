"""Checks templates: those of the estate with every pack, and any others with our own rules."""

from mlzone_tools.services.check.checking import check_estate, check_path
from mlzone_tools.services.check.result import Answer, Check, Verdict, WaiverCount

__all__ = ["Answer", "Check", "Verdict", "WaiverCount", "check_estate", "check_path"]
