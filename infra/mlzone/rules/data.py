"""Rules about data: what is kept, for how long, and whose it is."""

from mlzone.rules.assembly import Assembly, Resource
from mlzone.rules.expression import present, text
from mlzone.rules.rule import Rule

_KEPT = ("Retain", "RetainExceptOnCreate", "Snapshot")
_FIVE_YEARS = 1826
_LOCKED = ("-evidence-", "-log-archive-")
"""What names of buckets with evidence contain."""


class StoresOutliveTheirStack(Rule):
    """A stack that goes takes no data, key or evidence along.

    Anti-pattern: the default, which deletes or replaces.
    Best practice: DeletionPolicy and UpdateReplacePolicy that retain.
    """

    id = "MLZ-DATA-001"
    control = "DAT-05"
    types = (
        "AWS::DynamoDB::Table",
        "AWS::ECR::Repository",
        "AWS::Glue::Database",
        "AWS::KMS::Key",
        "AWS::S3::Bucket",
        "AWS::SageMaker::Domain",
        "AWS::SageMaker::FeatureGroup",
        "AWS::SageMaker::MlflowApp",
        "AWS::SageMaker::ModelPackageGroup",
    )
    fix = "set DeletionPolicy and UpdateReplacePolicy to Retain"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at both policies."""
        del assembly
        for name in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.raw.get(name) not in _KEPT:
                return f"{name} is {resource.raw.get(name, 'not set')}"
        return None


class BucketsKeepVersions(Rule):
    """What is overwritten or deleted can be had back.

    Anti-pattern: a bucket without versions.
    Best practice: versioning, with a rule that ends old versions.
    """

    id = "MLZ-DATA-002"
    control = "DAT-05"
    types = ("AWS::S3::Bucket",)
    fix = "enable versioning"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the versioning."""
        del assembly
        status = text(resource.get("VersioningConfiguration", "Status"))
        return None if status == "Enabled" else "it keeps no versions"


class EvidenceIsLocked(Rule):
    """Nobody changes evidence or logs, whoever they are.

    Anti-pattern: a log bucket whose owner can delete objects.
    Best practice: Object Lock in compliance mode, for five years or more.
    """

    id = "MLZ-DATA-003"
    control = "DAT-05"
    types = ("AWS::S3::Bucket",)
    fix = "set ObjectLockConfiguration to COMPLIANCE for five years or more"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look only at buckets of evidence and logs, not at the access logs of those."""
        del assembly
        name = text(resource.get("BucketName"))
        return any(part in name for part in _LOCKED) and "-logs-" not in name

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at mode and time."""
        del assembly
        retention = resource.get("ObjectLockConfiguration", "Rule", "DefaultRetention", default={})
        if text(retention.get("Mode")) != "COMPLIANCE":
            return "it is not locked in compliance mode"
        days = int(retention.get("Days") or 0) + 365 * int(retention.get("Years") or 0)
        return None if days >= _FIVE_YEARS - 1 else f"it is locked for {days} days"


class DataSetsAreKnown(Rule):
    """Every data set says whose it is, what for, how sensitive, and why it may be used.

    Anti-pattern: a database nobody has described.
    Best practice: purpose in the description; owner, classification, legal basis, retention.
    """

    id = "MLZ-DATA-004"
    control = "DAT-01"
    types = ("AWS::Glue::Database",)
    fix = "describe the data zone in the estate"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at what the database says."""
        del assembly
        if not present(resource.get("DatabaseInput", "Description")):
            return "it has no purpose"
        given = resource.get("DatabaseInput", "Parameters", default={})
        needed = ("owner", "classification", "legal-basis", "retention-days")
        missing = [name for name in needed if not present(given.get(name))]
        return f"missing: {', '.join(missing)}" if missing else None


RULES: tuple[type[Rule], ...] = (
    StoresOutliveTheirStack,
    BucketsKeepVersions,
    EvidenceIsLocked,
    DataSetsAreKnown,
)
"""The rules of this subject."""
