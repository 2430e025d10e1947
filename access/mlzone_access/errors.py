"""The exceptions of this package."""


class PolicyError(ValueError):
    """A policy document that AWS would refuse, or that cannot be evaluated safely.

    Attributes:
        policy: The name under which the policy was parsed.
        where: The place inside the document, such as `Statement[2].Condition`.
        problem: What is wrong there, and what is expected.
    """

    def __init__(self, policy: str, where: str, problem: str) -> None:
        """Compose the message from the policy's name, the place and the problem."""
        self.policy = policy
        self.where = where
        self.problem = problem
        place = f"{policy}: {where}" if where else policy
        super().__init__(f"{place}: {problem}")


class ProverError(Exception):
    """The prover cannot answer."""


class UnencodableError(ProverError):
    """A policy or claim has no exact encoding; the prover never guesses."""
