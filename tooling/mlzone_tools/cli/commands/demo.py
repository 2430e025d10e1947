"""`mlzone demo`: the whole story, with no AWS account."""

from pathlib import Path

import click

from mlzone_tools.cli.output import estate_option, json_option, show, table, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.demo import report
from mlzone_tools.demo.scene import Scene
from mlzone_tools.demo.steps import steps
from mlzone_tools.demo.story import tell

_PORT = 4597


@click.command("demo")
@click.option("--model", default="retail-banking/credit-default", show_default=True)
@click.option("--port", default=_PORT, show_default=True, help="Port of the embedded cloud.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/demo"),
    show_default=True,
    help="Where the report goes.",
)
@click.option("--keep", is_flag=True, help="Leave the cloud up, to explore it.")
@estate_option
@json_option
def command(
    model: str, port: int, output: Path, estate_path: Path, *, keep: bool, as_json: bool
) -> None:
    """Tell the story from YAML to a governed, monitored model on the embedded cloud.

    Nothing is simulated by printing: each step is an API call, a deployed template or a process
    that ran, and the demo fails if one of them did not hold. It can be run again, and begins anew.

    With --keep the cloud stays up: set MLZONE_STATE=.mlzone/demo, and every other command speaks to
    it. `mlzone cloud down` then stops it.

    \b
    Example:
      mlzone demo --keep
    """
    scene = Scene(
        estate_path=estate_path, model=model, state=embedded.DEMO_STATE, port=port, talk=talk
    )
    try:
        outcomes = tell(steps(scene), talk=talk)
    finally:
        if not keep:
            embedded.stop(embedded.DEMO_STATE)
    data, page = report.write(outcomes, output, pages=scene.artifacts)
    rows = [
        (number, outcome.title, outcome.status, f"{outcome.seconds} s")
        for number, outcome in enumerate(outcomes, start=1)
    ]
    talk("")
    summary = table(("", "step", "outcome", "time"), rows)
    show(outcomes, f"{summary}\n\nreport: {page} and {data}", as_json=as_json)
    if keep:
        talk(
            "the cloud is up; to explore it:\n"
            f"  export {embedded.STATE_VARIABLE}={embedded.DEMO_STATE}\n"
            "  mlzone status; mlzone model list; mlzone monitor explain MODEL; mlzone kpi\n"
            "  mlzone cloud down"
        )
    if any(outcome.status != "passed" for outcome in outcomes):
        raise click.exceptions.Exit(4)
