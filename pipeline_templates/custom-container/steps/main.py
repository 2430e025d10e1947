"""The image's entry point: `main.py COMMAND`, the command as SageMaker or the pipeline gives it.

SageMaker starts a training with `train` and an endpoint with `serve`; the pipeline's other jobs
say `prepare` or `evaluate`. To bring another framework, keep these four.
"""

import importlib
import sys

import job

COMMANDS = ("prepare", "train", "evaluate", "serve")


def main() -> None:
    """Run what the first argument names.

    Raises:
        job.StepError: it names nothing.
    """
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command not in COMMANDS:
        raise job.StepError(f"got {command or 'no command'}; expected one of {', '.join(COMMANDS)}")
    del sys.argv[1]
    importlib.import_module(command).main()


if __name__ == "__main__":
    job.run(main)
