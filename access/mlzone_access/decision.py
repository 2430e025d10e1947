"""What an evaluation answers: allowed or not, and which statement of which policy decided."""

from dataclasses import dataclass
from enum import StrEnum


class Layer(StrEnum):
    """The policy types that take part, worded as in AWS's own error messages."""

    SCP = "service control policy"
    RCP = "resource control policy"
    ENDPOINT = "VPC endpoint policy"
    RESOURCE = "resource-based policy"
    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer to one request.

    Attributes:
        allowed: Whether the request goes through.
        layer: The policy type that decided. For an implicit deny: the one that lacks an allow.
        explicit: A statement decided, rather than the absence of one.
        policy: The deciding policy; empty if no statement decided.
        statement: `Sid` or `Statement[n]` of the deciding statement; empty if none decided.
        reason: The same in one plain sentence.
    """

    allowed: bool
    layer: Layer
    explicit: bool
    policy: str = ""
    statement: str = ""
    reason: str = ""

    @property
    def effect(self) -> str:
        """`Allow` or `Deny`."""
        return "Allow" if self.allowed else "Deny"

    def aws_phrase(self, action: str) -> str:
        """Give the end of AWS's own message `... is not authorized to perform: ...`."""
        article = "an" if self.layer.value[0] in "aeiou" else "a"
        if self.explicit:
            return f"with an explicit deny in {article} {self.layer}"
        return f"because no {self.layer} allows the {action} action"
