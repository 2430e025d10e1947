"""What the personas of the whole organization may do: they belong to no unit and to no team."""

from mlzone.persona import Place
from mlzone.surroundings import Statement, Surroundings, allow


def platform_admin(s: Surroundings) -> list[Statement]:
    """Return what who runs the platform may do in each account."""
    del s
    return [
        allow(
            "ReadPlatform",
            [
                "cloudformation:Describe*",
                "cloudformation:Get*",
                "cloudformation:List*",
                "cloudwatch:Describe*",
                "cloudwatch:Get*",
                "cloudwatch:List*",
                "codebuild:BatchGet*",
                "codebuild:List*",
                "codepipeline:Get*",
                "codepipeline:List*",
                "ecr:Describe*",
                "ecr:List*",
                "events:Describe*",
                "events:List*",
                "sagemaker:Describe*",
                "sagemaker:List*",
                "servicequotas:Get*",
                "servicequotas:List*",
            ],
            # Reads the platform's own settings in every account; no data of business units.
            "*",
        ),
    ]


def _read_log_archive(s: Surroundings) -> list[Statement]:
    archive = f"arn:{s.partition}:s3:::{s.naming.log_archive_bucket(s.account)}"
    return [
        allow("ListLogs", ["s3:ListBucket", "s3:ListBucketVersions"], [archive]),
        allow("ReadLogs", ["s3:GetObject", "s3:GetObjectVersion"], [f"{archive}/*"]),
        allow("KeyOfLogs", ["kms:Decrypt"], list(s.keys)),
    ]


def _read_vault(s: Surroundings) -> list[Statement]:
    """The evidence, and the life-cycle events against which it is held."""
    vault = f"arn:{s.partition}:s3:::{s.naming.evidence_bucket(s.account)}"
    read = ["s3:GetObject", "s3:GetObjectVersion"]
    return [
        allow("ListVault", ["s3:ListBucket", "s3:ListBucketVersions"], [vault]),
        allow("ReadVault", read, [f"{vault}/*"]),
        allow(
            "ReadEvents", ["dynamodb:Scan"], [s.arn("dynamodb", f"table/{s.naming.kpi_table()}")]
        ),
        allow("KeyOfVault", ["kms:Decrypt"], list(s.keys)),
    ]


def auditor(s: Surroundings) -> list[Statement]:
    """Return what who examines the platform may read."""
    return [
        *(_read_log_archive(s) if s.place is Place.LOG_ARCHIVE else ()),
        *(_read_vault(s) if s.place is Place.SHARED_SERVICES else ()),
        allow(
            "ReadEvidence",
            [
                "access-analyzer:Get*",
                "access-analyzer:List*",
                "cloudformation:Describe*",
                "cloudformation:GetTemplate",
                "cloudformation:List*",
                "cloudtrail:Describe*",
                "cloudtrail:Get*",
                "cloudtrail:LookupEvents",
                "codepipeline:Get*",
                "codepipeline:List*",
                "config:Describe*",
                "config:Get*",
                "iam:Get*",
                "iam:List*",
                "kms:Describe*",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:List*",
                "organizations:Describe*",
                "organizations:List*",
                "s3:GetBucket*",
                "s3:GetEncryptionConfiguration",
                "s3:ListAllMyBuckets",
                "sagemaker:BatchDescribeModelPackage",
                "sagemaker:Describe*",
                "sagemaker:List*",
            ],
            # An auditor reads every setting of every account, and no data.
            "*",
        ),
    ]


def finops(s: Surroundings) -> list[Statement]:
    """Return what who watches the cost may read."""
    del s
    return [
        allow(
            "ReadCost",
            [
                "budgets:Describe*",
                "budgets:View*",
                "ce:Describe*",
                "ce:Get*",
                "ce:List*",
                "cloudwatch:GetMetricData",
                "cloudwatch:ListMetrics",
            ],
            # Cost has no resources to name.
            "*",
        ),
    ]
