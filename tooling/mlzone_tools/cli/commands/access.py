"""`mlzone access`: who may do what, proved and explained."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from mlzone.access import AccessDifference
from mlzone.access.question import Explanation, Holder, Way, who_can
from mlzone_access.prover import Status
from mlzone_tools.cli.output import estate_option, json_option, show, table, talk
from mlzone_tools.services import access as service

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def _assembly_option(command: CommandT) -> CommandT:
    return click.option(
        "--assembly",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="A cloud assembly of the whole estate; made anew unless given.",
    )(command)


def _environment_option(command: CommandT) -> CommandT:
    return click.option(
        "-e", "--environment", default="", help="Only accounts of dev, staging, prod or a place."
    )(command)


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


@command.command("who-can")
@click.argument("action")
@click.argument("resource", default="")
@_environment_option
@_assembly_option
@estate_option
@json_option
def who_can_command(
    action: str,
    resource: str,
    environment: str,
    assembly: Path | None,
    estate_path: Path,
    *,
    as_json: bool,
) -> None:
    """List who can do ACTION, and by what way: themselves, or by making something run.

    Roles are those of the templates, under all policies that bind them. Without RESOURCE, those
    that a role's own policies name are taken.

    \b
    Example:
      mlzone access who-can sagemaker:CreateEndpoint --environment prod
      mlzone access who-can s3:GetObject arn:aws:s3:::BUCKET/KEY --assembly cdk.out
    """
    with service.reach_of(estate_path, assembly, talk=talk) as reach:
        found = who_can(reach, action, resource=resource, environment=environment)
    show(found, "\n".join(_holders(found)) or "nobody", as_json=as_json)


def _holders(found: tuple[Holder, ...]) -> Iterator[str]:
    for holder in found:
        yield holder.role
        yield f"    on {holder.resource}: {holder.reason}"
        yield from (f"    {_way(way)}" for way in holder.people)


def _way(way: Way) -> str:
    name = way.role.rpartition("/")[2]
    if not way.steps:
        return f"people: {name}"
    steps = [
        f"{step.how}{'' if step.control else ' (as it is)'} → {step.target.rpartition('/')[2]}"
        for step in way.steps
    ]
    return f"people: {name}: {'; '.join(steps)}"


@command.command("explain")
@click.argument("principal")
@click.argument("action")
@click.argument("resource", default="*")
@click.option(
    "--context", "-c", "context", multiple=True, metavar="KEY=VALUE", help="A condition key."
)
@_environment_option
@_assembly_option
@estate_option
@json_option
def explain_command(
    principal: str,
    action: str,
    resource: str,
    context: tuple[str, ...],
    environment: str,
    assembly: Path | None,
    estate_path: Path,
    *,
    as_json: bool,
) -> None:
    """Say why PRINCIPAL may or may not do ACTION on RESOURCE.

    PRINCIPAL is a person of the estate, the name of a role, or its ARN. Every statement that
    covers the action is shown, in the order of the evaluation, and the one that decides. Exit code
    3 if no role of the principal may.

    \b
    Example:
      mlzone access explain ana.souza sagemaker:CreateEndpoint --environment dev
      mlzone access explain bruno.lima s3:GetObject arn:aws:s3:::BUCKET/KEY --assembly cdk.out
    """
    pairs = [item.partition("=") for item in context]
    if wrong := next((item for item in context if "=" not in item), None):
        raise click.UsageError(f"--context {wrong}: write KEY=VALUE")
    with service.reach_of(estate_path, assembly, talk=talk) as reach:
        found = service.explanations(
            reach,
            principal,
            action,
            resource,
            {key: value for key, _, value in pairs},
            environment=environment,
        )
    show(found, "\n\n".join(map(_explanation, found)), as_json=as_json)
    if not any(item.decision.allowed for item in found):
        raise click.exceptions.Exit(3)


def _explanation(found: Explanation) -> str:
    rows = [
        (
            link.layer.value,
            link.policy,
            link.statement,
            link.effect.value,
            "applies" if link.applies else "does not apply",
        )
        for link in found.chain
    ]
    chain = table(("layer", "policy", "statement", "effect", ""), rows) if rows else "no statement"
    return f"{found.role}\n{found.action} on {found.resource}: {found.decision.reason}\n\n{chain}"
