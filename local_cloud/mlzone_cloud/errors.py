"""What the embedded cloud answers when it refuses."""


class ApiError(Exception):
    """An error as the AWS service words it; clients see its code and message."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class NotEmulatedError(ApiError):
    """The operation exists in AWS but not here; counted and shown by `status`."""

    def __init__(self, service: str, operation: str) -> None:
        super().__init__(
            "NotImplemented",
            f"the embedded cloud does not emulate {service}:{operation}",
            status=501,
        )
        self.service = service
        self.operation = operation


class SeedError(Exception):
    """The seed or the saved state cannot be used; the message says why."""
