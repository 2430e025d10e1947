"""The evidence vault: chains of records, whether they are whole, the binder of a version."""

from mlzone_tools.services.evidence.binder import Binder, FrameworkTable, binder
from mlzone_tools.services.evidence.chain import Record
from mlzone_tools.services.evidence.page import page
from mlzone_tools.services.evidence.verification import Chain, Problem, verify

__all__ = ["Binder", "Chain", "FrameworkTable", "Problem", "Record", "binder", "page", "verify"]
