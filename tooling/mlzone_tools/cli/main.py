"""The entry point of `mlzone`: finds the command, and turns errors into messages and exit codes."""

import importlib
import os
import sys
from collections.abc import Sequence

import click
from botocore.exceptions import BotoCoreError, ClientError

from mlzone.errors import DeploymentError, GovernanceError, LandingZoneError
from mlzone_tools.cli import output
from mlzone_tools.cloud.denial import is_denial

COMMANDS = (
    "init",
    "schema",
    "codeowners",
    "validate",
    "synth",
    "check",
    "access",
    "plan",
    "change",
    "deploy",
    "destroy",
    "status",
    "drift",
    "migrate",
    "cloud",
    "model",
    "monitor",
    "evidence",
    "kpi",
    "doctor",
    "demo",
)
"""In the order of use; each is `command` in the module of its name."""

_INTERRUPTED = 130


class _Commands(click.Group):
    """Imports a command's module only when it is asked for, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"mlzone_tools.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mlops-landing-zone", prog_name="mlzone")
def cli() -> None:
    """Run the MLOps landing zone: from YAML to governed models in production.

    Data goes to standard output, talk to standard error. Every command knows --json.

    Exit codes: 0 ok, 1 findings or differences, 2 bad configuration or input, 3 a control refuses,
    4 a deployment or a tool failed.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; never returns."""
    try:
        sys.exit(cli.main(args=arguments, prog_name="mlzone", standalone_mode=False) or 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        output.talk("interrupted; run the same command again to go on")
        sys.exit(_INTERRUPTED)
    except LandingZoneError as error:
        output.fail(error)
        sys.exit(error.exit_code)
    except (ClientError, BotoCoreError) as error:
        answer = _explained(error)
        output.fail(answer)
        sys.exit(answer.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        output.fail(
            LandingZoneError(
                f"{(error.strerror or str(error)).lower()}{where}",
                hint="check that the disk has space and that the file can be written",
            )
        )
        sys.exit(4)


def _explained(error: Exception) -> LandingZoneError:
    """Return what the cloud answered, where the command itself has nothing better to say."""
    if isinstance(error, ClientError) and is_denial(error):
        return GovernanceError(error.response["Error"]["Message"])
    return DeploymentError(str(error), hint="is everything deployed? see: mlzone status")
