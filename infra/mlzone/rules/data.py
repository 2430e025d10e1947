"""Rules about data: what is kept, for how long, and whose it is."""

from typing import Any

from mlzone.estate.team import LANDING
from mlzone.rules.assembly import Assembly, Resource
from mlzone.rules.expression import present, statements, text, texts, true
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


class DataAreInspected(Rule):
    """What identifies people is masked before anybody reads it.

    Anti-pattern: a bucket into which anything is put and from which everybody of the team reads.
    Best practice: data arrive below a prefix that nobody reads; each new object calls a function.
    """

    id = "MLZ-DATA-005"
    control = "DAT-04"
    types = ("AWS::Glue::Database",)
    fix = "make the bucket with DataZones, and a DataInspector beside it"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look at databases of data that lie in a bucket of the same template."""
        return self._bucket(resource, assembly) is not None

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the bucket's events, who hears them, and who may read what has arrived."""
        bucket = self._bucket(resource, assembly)
        assert bucket is not None  # noqa: S101 - what the rule applies to has one
        own = bucket.names("BucketName")
        events = bucket.get(
            "NotificationConfiguration", "EventBridgeConfiguration", "EventBridgeEnabled"
        )
        if not true(events):
            return "nobody hears what is put into its bucket"
        if not any(_hears(rule, own) for rule in assembly.beside(bucket, "AWS::Events::Rule")):
            return f"no rule calls a function for what arrives below {LANDING}/"
        policies = assembly.beside(bucket, "AWS::S3::BucketPolicy")
        if not any(
            _keeps_from_reading(statement)
            for policy in policies
            if text(policy.get("Bucket")) in own
            for statement in statements(policy.get("PolicyDocument"))
        ):
            return f"what arrives below {LANDING}/ can be read before it is looked into"
        return None

    def _bucket(self, resource: Resource, assembly: Assembly) -> Resource | None:
        where = text(resource.get("DatabaseInput", "LocationUri"))
        for bucket in assembly.beside(resource, "AWS::S3::Bucket"):
            if any(where.startswith(f"s3://{name}/") for name in bucket.names("BucketName")):
                return bucket
        return None


def _hears(rule: Resource, bucket: set[str]) -> bool:
    pattern = rule.get("EventPattern", default={})
    detail = pattern.get("detail") or {}
    keys = (detail.get("object") or {}).get("key") or []
    return (
        text(rule.get("State", default="ENABLED")) == "ENABLED"
        and present(rule.get("Targets"))
        and "Object Created" in texts(pattern.get("detail-type"))
        and not bucket.isdisjoint(texts((detail.get("bucket") or {}).get("name")))
        and any(isinstance(key, dict) and key.get("prefix") == f"{LANDING}/" for key in keys)
    )


def _keeps_from_reading(statement: dict[str, Any]) -> bool:
    return (
        text(statement.get("Effect")) == "Deny"
        and "s3:GetObject*" in texts(statement.get("Action"))
        and any(item.endswith(f"/{LANDING}/*") for item in texts(statement.get("Resource")))
    )


RULES: tuple[type[Rule], ...] = (
    StoresOutliveTheirStack,
    BucketsKeepVersions,
    EvidenceIsLocked,
    DataSetsAreKnown,
    DataAreInspected,
)
"""The rules of this subject."""
