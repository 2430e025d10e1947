"""Rules about encryption."""

from mlzone.rules.assembly import Assembly, Resource
from mlzone.rules.expression import (
    condition_keys,
    listed,
    present,
    statements,
    text,
    texts,
    true,
)
from mlzone.rules.network import JOB_DEFINITIONS
from mlzone.rules.rule import Rule

_BLOCKED = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_OURS = {
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "kms:calleraccount",
}
"""Conditions that keep strangers out."""

KEYS: dict[str, tuple[tuple[str | int, ...], ...]] = {
    "AWS::CloudTrail::Trail": (("KMSKeyId",),),
    "AWS::CodeBuild::Project": (("EncryptionKey",),),
    "AWS::CodeCommit::Repository": (("KmsKeyId",),),
    "AWS::CodePipeline::Pipeline": (("ArtifactStore", "EncryptionKey", "Id"),),
    "AWS::DynamoDB::Table": (("SSESpecification", "KMSMasterKeyId"),),
    "AWS::ECR::Repository": (("EncryptionConfiguration", "KmsKey"),),
    "AWS::Logs::LogGroup": (("KmsKeyId",),),
    "AWS::SNS::Topic": (("KmsMasterKeyId",),),
    "AWS::SQS::Queue": (("KmsMasterKeyId",),),
    "AWS::Scheduler::Schedule": (("KmsKeyArn",),),
    "AWS::SecretsManager::Secret": (("KmsKeyId",),),
    "AWS::SageMaker::Domain": (("KmsKeyId",),),
    "AWS::SageMaker::EndpointConfig": (("KmsKeyId",), ("DataCaptureConfig", "KmsKeyId")),
    "AWS::SageMaker::NotebookInstance": (("KmsKeyId",),),
    **dict.fromkeys(JOB_DEFINITIONS, (("JobResources", "ClusterConfig", "VolumeKmsKeyId"),)),
}
"""Where each type names the key of what it keeps."""


def log_targets(assembly: Assembly) -> set[str]:
    """Return the names of buckets that receive access logs, which S3 writes with no key of ours."""
    names = {
        text(item.get("LoggingConfiguration", "DestinationBucketName"))
        for item in assembly.of("AWS::S3::Bucket")
    }
    return names - {""}


def receives_logs(bucket: Resource, assembly: Assembly) -> bool:
    """Tell whether a bucket receives access logs."""
    return bool(bucket.names("BucketName") & log_targets(assembly))


class BucketsHaveKeys(Rule):
    """Whoever reads an object needs the right to its key as well.

    Anti-pattern: a bucket with S3's own encryption.
    Best practice: a key of ours with a bucket key. Buckets of access logs cannot have one.
    """

    id = "MLZ-ENCRYPTION-001"
    control = "ENC-01"
    types = ("AWS::S3::Bucket",)
    fix = "set BucketEncryption to aws:kms with KMSMasterKeyID and BucketKeyEnabled"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Leave out what receives access logs."""
        return not receives_logs(resource, assembly)

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the bucket's default encryption."""
        del assembly
        rule = resource.get("BucketEncryption", "ServerSideEncryptionConfiguration", 0, default={})
        default = rule.get("ServerSideEncryptionByDefault") or {}
        if text(default.get("SSEAlgorithm")) not in ("aws:kms", "aws:kms:dsse"):
            return "it is not encrypted with KMS"
        if not present(default.get("KMSMasterKeyID")):
            return "its key is not one of ours"
        return None if true(rule.get("BucketKeyEnabled")) else "BucketKeyEnabled is not true"


class BucketsAreClosed(Rule):
    """No policy and no list opens a bucket to the public.

    Anti-pattern: a bucket that leaves this to its policy.
    Best practice: all four blocks.
    """

    id = "MLZ-ENCRYPTION-002"
    control = "ENC-01"
    types = ("AWS::S3::Bucket",)
    fix = "set all four of PublicAccessBlockConfiguration to true"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the four blocks."""
        del assembly
        given = resource.get("PublicAccessBlockConfiguration", default={})
        missing = [name for name in _BLOCKED if not true(given.get(name))]
        return f"not set: {', '.join(missing)}" if missing else None


class BucketsRefusePlainHttp(Rule):
    """Data is encrypted on its way, too.

    Anti-pattern: a bucket without policy.
    Best practice: a policy that denies everything where aws:SecureTransport is false.
    """

    id = "MLZ-ENCRYPTION-003"
    control = "ENC-01"
    types = ("AWS::S3::Bucket",)
    fix = "deny s3:* where aws:SecureTransport is false, in the bucket's policy"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look for the statement in the bucket's policy."""
        names = resource.names("BucketName")
        for policy in assembly.beside(resource, "AWS::S3::BucketPolicy"):
            if text(policy.get("Bucket")) in names:
                for statement in statements(policy.get("PolicyDocument")):
                    denies = statement.get("Effect") == "Deny"
                    if denies and "aws:securetransport" in condition_keys(statement):
                        return None
        return "no statement denies plain HTTP"


class StoresHaveKeys(Rule):
    """What is kept is encrypted with a key of ours, which we can take away.

    Anti-pattern: AWS's own key, whose use nobody can deny.
    Best practice: a customer-managed key.
    """

    id = "MLZ-ENCRYPTION-004"
    control = "ENC-02"
    types = tuple(KEYS)
    fix = "name a key of ours"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the type's keys."""
        del assembly
        for path in KEYS[resource.type]:
            # Another rule demands capturing; this one its key.
            captures = path[0] != "DataCaptureConfig" or present(resource.get(path[0]))
            if captures and not present(resource.get(*path)):
                return f"{'.'.join(map(str, path))} is not set"
        return None


class FeaturesHaveKeys(Rule):
    """Features are people's data, in both stores.

    Anti-pattern: a feature group as it comes.
    Best practice: KmsKeyId of the offline store, and of the online store where there is one.
    """

    id = "MLZ-ENCRYPTION-005"
    control = "ENC-02"
    types = ("AWS::SageMaker::FeatureGroup",)
    fix = "set KmsKeyId of the stores"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at both stores."""
        del assembly
        offline = resource.get("OfflineStoreConfig", "S3StorageConfig")
        if offline is not None and not present(offline.get("KmsKeyId")):
            return "the offline store has no key of ours"
        online = resource.get("OnlineStoreConfig", default={})
        if true(online.get("EnableOnlineStore")):
            security = online.get("SecurityConfig") or {}
            if not present(security.get("KmsKeyId")):
                return "the online store has no key of ours"
        return None


class ReportsHaveKeys(Rule):
    """What a monitor writes tells of customers.

    Anti-pattern: an output without key.
    Best practice: KmsKeyId of the job's output.
    """

    id = "MLZ-ENCRYPTION-006"
    control = "ENC-02"
    types = JOB_DEFINITIONS
    fix = "set KmsKeyId of the job's output"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the output of the job, whatever the kind of monitor."""
        del assembly
        for name, value in resource.properties.items():
            if name.endswith("JobOutputConfig"):
                return None if present(value.get("KmsKeyId")) else f"{name} has no key of ours"
        return "it says nothing of its output"


class KeysRotate(Rule):
    """A key that leaked ages.

    Anti-pattern: a symmetric key that stays the same for ever.
    Best practice: EnableKeyRotation.
    """

    id = "MLZ-ENCRYPTION-007"
    control = "ENC-03"
    types = ("AWS::KMS::Key",)
    fix = "set EnableKeyRotation to true"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Asymmetric keys and imported material cannot rotate."""
        del assembly
        return text(resource.get("KeySpec", default="SYMMETRIC_DEFAULT")) == "SYMMETRIC_DEFAULT"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the rotation."""
        del assembly
        return None if true(resource.get("EnableKeyRotation")) else "it does not rotate"


class KeysAdmitNobodyUnknown(Rule):
    """A key's policy names who uses it.

    Anti-pattern: principal `*` without a condition.
    Best practice: accounts, roles, services; strangers are kept out by a condition.
    """

    id = "MLZ-ENCRYPTION-008"
    control = "ENC-03"
    types = ("AWS::KMS::Key",)
    fix = "name accounts, roles or services in the key's policy"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at every statement that allows."""
        del assembly
        for statement in statements(resource.get("KeyPolicy")):
            if statement.get("Effect") != "Allow":
                continue
            principal = statement.get("Principal")
            named = principal if isinstance(principal, dict) else {"AWS": principal}
            everybody = "*" in [item for value in named.values() for item in texts(listed(value))]
            if everybody and not condition_keys(statement) & _OURS:
                return f"statement {statement.get('Sid', 'without a name')} admits everybody"
        return None


class TeamsHaveKeysOfTheirOwn(Rule):
    """What belongs to a team is encrypted with a key that no other team can use.

    Anti-pattern: one key for an account, with which every role decrypts.
    Best practice: a key beside the team's bucket, whose policy refuses everybody but named roles.
    """

    id = "MLZ-ENCRYPTION-009"
    control = "ENC-04"
    types = ("AWS::S3::Bucket",)
    fix = "encrypt the bucket with the team's key, and make the key's policy refuse others"

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Look at buckets of one team."""
        del assembly
        return present(resource.tags.get("mlz:team"))

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Look at the key, and at who may use it."""
        rules = resource.get("BucketEncryption", "ServerSideEncryptionConfiguration", default=[])
        named = {
            text((rule.get("ServerSideEncryptionByDefault") or {}).get("KMSMasterKeyID"))
            for rule in rules
        }
        for key in assembly.beside(resource, "AWS::KMS::Key"):
            if named & {f"${{{key.logical_id}}}", f"${{{key.logical_id}.Arn}}"}:
                refuses = any(
                    statement.get("Effect") == "Deny"
                    and "kms:Decrypt" in texts(statement.get("Action"))
                    and "aws:principalarn" in condition_keys(statement)
                    for statement in statements(key.get("KeyPolicy"))
                )
                return None if refuses else "the key's policy refuses nobody of another team"
        return "no key of the team's own encrypts it"


RULES: tuple[type[Rule], ...] = (
    BucketsHaveKeys,
    BucketsAreClosed,
    BucketsRefusePlainHttp,
    StoresHaveKeys,
    FeaturesHaveKeys,
    ReportsHaveKeys,
    KeysRotate,
    KeysAdmitNobodyUnknown,
    TeamsHaveKeysOfTheirOwn,
)
"""The rules of this subject."""
