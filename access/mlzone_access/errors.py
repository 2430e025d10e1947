"""What can be wrong with a policy."""


class PolicyError(ValueError):
    """A policy document that IAM would refuse; the message names the policy and the place."""
