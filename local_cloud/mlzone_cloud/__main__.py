"""`python -m mlzone_cloud serve`: the embedded cloud as a process of its own."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m mlzone_cloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve_parser = commands.add_parser("serve", help="run the embedded cloud in the foreground")
    serve_parser.add_argument("--port", type=int, default=4599)
    serve_parser.add_argument("--state", type=Path, required=True, help="folder for its state")
    serve_parser.add_argument("--seed", type=Path, required=True, help="JSON file of accounts")
    serve_parser.add_argument(
        "--strict", action="store_true", help="refuse what is emulated with less fidelity"
    )
    arguments = parser.parse_args()

    from mlzone_cloud.errors import SeedError  # noqa: PLC0415
    from mlzone_cloud.server import serve  # noqa: PLC0415

    try:
        serve(
            port=arguments.port,
            # Jobs run in folders of their own: where they come from must not depend on that.
            state_dir=arguments.state.resolve(),
            seed_path=arguments.seed,
            strict=arguments.strict,
        )
    except SeedError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
