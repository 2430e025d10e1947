"""The modules that register operations, tickers and start-up work with the cloud."""

import importlib

COMPONENTS = ("mlzone_cloud.sts",)


def load_components() -> None:
    """Import every component, once."""
    for name in COMPONENTS:
        importlib.import_module(name)
