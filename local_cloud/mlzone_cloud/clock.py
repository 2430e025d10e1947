"""The embedded cloud's clock: real time plus an offset that `advance` moves."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the cloud's time; only moves forward."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """Return the cloud's present moment, in UTC."""
        return datetime.now(UTC) + self.offset

    def advance(self, by: timedelta) -> None:
        """Move the clock forward.

        Raises:
            ValueError: the step is not positive.
        """
        if by <= timedelta():
            raise ValueError("the clock only moves forward")
        self.offset += by
