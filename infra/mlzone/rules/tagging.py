"""The rule on tags: everything of SageMaker has an owner and a class of data."""

from collections.abc import Iterator

from mlzone.rules.rule import Resource, Rule

REQUIRED = ("mlz:owner", "mlz:environment", "mlz:data-class", "mlz:cost-center")


class TaggedResource(Rule):
    """What nobody owns nobody cleans up; what SageMaker runs carries the mandatory tags."""

    id = "MLZ-TAG-001"
    control = "GOV-01"
    types = (
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::MonitoringSchedule",
    )
    fix = "set the missing tags"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield the tags that are missing."""
        del everything
        for tag in REQUIRED:
            if not resource.tags.get(tag):
                yield f"the tag {tag} is missing"
