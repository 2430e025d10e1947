"""`mlzone access`: who may do what, proved and explained."""

from pathlib import Path

import click

from mlzone.access import AccessDifference
from mlzone_access.prover import Status
from mlzone_tools.cli.output import estate_option, json_option, show, table
from mlzone_tools.services import access as service


@click.group("access")
def command() -> None:
    """Prove and explain who may do what.

    What is proved, what is explained and what the embedded cloud enforces are one evaluation of
    AWS's policies.
    """


@command.command("prove")
@click.option("--without", default="", metavar="STATEMENT", help="Leave out one statement.")
@estate_option
@json_option
def prove(without: str, estate_path: Path, *, as_json: bool) -> None:
    """Prove the theorems of the guardrails, for every request and every identity policy.

    Each theorem says that something is never allowed, whatever the policies of roles allow. With
    `--without` a statement of the guardrails is left out, and the report shows a request that it
    held back. Exit code 3 if a theorem is refuted.

    \b
    Example:
      mlzone access prove
      mlzone access prove --without AuthorsDoNotApprove --json
    """
    report = service.prove_estate(estate_path, without=without)
    show(report, _proofs(report), as_json=as_json)
    if not report.proved:
        raise click.exceptions.Exit(3)


def _proofs(report: service.ProofReport) -> str:
    width = max(len(theorem.id) for theorem in report.theorems)
    lines = []
    for theorem in report.theorems:
        lines.append(f"{theorem.status.value:8}  {theorem.id:{width}}  {theorem.statement}")
        if theorem.counterexample:
            lines += _counterexample(theorem.counterexample)
    held = sum(theorem.status is Status.PROVED for theorem in report.theorems)
    cases = sum(theorem.cases for theorem in report.theorems)
    missing = f" without {report.without}" if report.without else ""
    lines.append(
        f"\n{held} of {len(report.theorems)} theorems proved{missing}, "
        f"in {cases} cases and {report.seconds:.1f} s"
    )
    return "\n".join(lines)


def _counterexample(found: service.Counterexample) -> list[str]:
    context = [
        f"    {key} = {value if isinstance(value, str) else ', '.join(value)}"
        for key, value in sorted(found.context.items())
    ]
    return [
        f"    {found.principal}",
        f"    could {found.action} on {found.resource} ({found.case})",
        *context,
        f"    {found.decision}",
    ]


@command.command("diff")
@click.option("--base", required=True, metavar="REVISION", help="What to compare with.")
@estate_option
@json_option
def diff(base: str, estate_path: Path, *, as_json: bool) -> None:
    """Show the access that a change of the estate adds and takes away.

    The estate is compared with a revision of its git repository: who has which role, what roles
    may do under the guardrails, and what the guardrails deny. Exit code 1 if access differs.

    \b
    Example:
      mlzone access diff --base main
    """
    found = service.difference(estate_path, base=base)
    show(found, _difference(found), as_json=as_json)
    if found.gained or found.lost:
        raise click.exceptions.Exit(1)


def _difference(found: AccessDifference) -> str:
    rows = [
        (sign, change.kind.value, change.subject, change.where, change.what)
        for sign, changes in (("+", found.gained), ("-", found.lost))
        for change in changes
    ]
    if not rows:
        return "nobody gains or loses access"
    summary = f"{len(found.gained)} gained, {len(found.lost)} lost"
    return f"{table(('', 'kind', 'subject', 'where', 'what'), rows)}\n\n{summary}"
