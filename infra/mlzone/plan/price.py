"""The table of prices: dated, with its sources; what it lacks is an error, never a guess."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("prices.yaml")
HOURS = 730
"""Hours of a month, as AWS reckons."""


class MissingPriceError(LookupError):
    """The table has no such price."""


@dataclass(frozen=True, kw_only=True)
class PriceTable:
    """Prices by Region."""

    noted: str
    sources: tuple[str, ...]
    regions: dict[str, dict[str, Any]]

    def of(self, region: str, name: str) -> float:
        """Return a price of a Region, such as `key_month`.

        Raises:
            MissingPriceError: the table has none.
        """
        return self._usd(self._region(region).get(name), name, region)

    def instance(self, region: str, instance_type: str) -> float:
        """Return the price of an instance's hour.

        Raises:
            MissingPriceError: the table has none.
        """
        hours = self._region(region).get("instance_hour", {})
        return self._usd(hours.get(instance_type), instance_type, region)

    def _region(self, region: str) -> dict[str, Any]:
        if region not in self.regions:
            raise MissingPriceError(f"no prices for {region}")
        return self.regions[region]

    @staticmethod
    def _usd(entry: Any, name: str, region: str) -> float:
        if entry is None:
            raise MissingPriceError(f"no price of {name} in {region}")
        return float(entry["usd"])


@functools.cache
def prices() -> PriceTable:
    """Return the table that comes with the product."""
    raw = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return PriceTable(
        noted=str(raw["noted"]), sources=tuple(raw["sources"].values()), regions=raw["regions"]
    )
