"""All rules, and the report over an assembly's templates."""

from collections.abc import Iterable
from pathlib import Path

from mlzone.rules import data, identity, network, serving, tagging
from mlzone.rules.rule import Row, Rule, run

RULES: tuple[Rule, ...] = (
    network.PrivateDomain(),
    network.IsolatedModel(),
    network.IsolatedMonitor(),
    network.NoInternet(),
    network.NarrowEgress(),
    network.GuardedVpcEndpoint(),
    network.RecordedFlows(),
    identity.BoundedRole(),
    identity.NoUsers(),
    identity.NoAdministrator(),
    identity.NarrowPassRole(),
    data.RotatingKey(),
    data.TlsOnlyBucket(),
    serving.EncryptedEndpoint(),
    serving.CapturedEndpoint(),
    serving.SpareInstances(),
    serving.RolledBackEndpoint(),
    tagging.TaggedResource(),
)


def run_rules(templates: Iterable[Path]) -> list[Row]:
    """Return a row for every rule and every resource of a type that it looks at."""
    return run(RULES, templates)
