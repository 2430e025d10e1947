"""The error tree of the whole product.

Exceptions are for stopping; findings (there can be many) are values. The command line catches
these once and maps each class to an exit code.
"""

from typing import ClassVar


class LandingZoneError(Exception):
    """Something the user can act on; never shown as a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        """What happened, with the value given and what was expected; lower case, no full stop."""
        self.hint = hint
        """The likely fix, or empty."""


class ConfigError(LandingZoneError):
    """The estate or a command's input is wrong."""

    exit_code = 2


class GovernanceError(LandingZoneError):
    """A control refuses what was asked for."""

    exit_code = 3


class DeploymentError(LandingZoneError):
    """A deployment, or a tool that carries it out, failed."""

    exit_code = 4
