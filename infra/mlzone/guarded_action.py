"""The actions that guardrails hold, by what they can be asked for.

Source: Service Authorization Reference; tests hold every list against the catalogue of actions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_JOB_DEFINITIONS = (
    "sagemaker:CreateDataQualityJobDefinition",
    "sagemaker:CreateModelBiasJobDefinition",
    "sagemaker:CreateModelExplainabilityJobDefinition",
    "sagemaker:CreateModelQualityJobDefinition",
)
_AUTO_ML = ("sagemaker:CreateAutoMLJob", "sagemaker:CreateAutoMLJobV2")
_JOBS = (
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
)
_SCHEDULES = ("sagemaker:CreateMonitoringSchedule", "sagemaker:UpdateMonitoringSchedule")
_BY_DEFINITION = dict.fromkeys(_SCHEDULES, "names a job definition, which is held to the key")


@dataclass(frozen=True, kw_only=True)
class GuardedKey:
    """A condition key of SageMaker that says how something computes."""

    key: str
    """The condition key."""
    sid: str
    """The id of the statement that denies what leaves it out."""
    actions: tuple[str, ...]
    """Actions that nobody calls without the key."""
    by_deployment: Mapping[str, str] = field(default_factory=dict)
    """Actions that CloudFormation's role alone calls without it, each with the reason."""

    @property
    def all_actions(self) -> tuple[str, ...]:
        """Every action that knows the key."""
        return tuple(sorted((*self.actions, *self.by_deployment)))


GUARDED_KEYS = (
    GuardedKey(
        key="sagemaker:VpcSubnets",
        sid="JobsInSubnets",
        actions=(
            *_AUTO_ML,
            *_JOB_DEFINITIONS,
            *_JOBS,
            "sagemaker:CreateCluster",
            "sagemaker:CreateDomain",
            "sagemaker:CreateModel",
            "sagemaker:CreateNotebookInstance",
            "sagemaker:UpdateCluster",
        ),
        by_deployment={
            **_BY_DEFINITION,
            "sagemaker:CreateEndpointConfig": "its model has the network",
            "sagemaker:UpdateDomain": "an update of settings leaves the network as it is",
        },
    ),
    GuardedKey(
        key="sagemaker:VpcSecurityGroupIds",
        sid="JobsInSecurityGroups",
        actions=(
            *_AUTO_ML,
            *_JOB_DEFINITIONS,
            *_JOBS,
            "sagemaker:CreateCluster",
            "sagemaker:CreateModel",
            "sagemaker:CreateNotebookInstance",
            "sagemaker:UpdateCluster",
        ),
        by_deployment={
            **_BY_DEFINITION,
            "sagemaker:CreateDomain": "its settings for users name the groups",
            "sagemaker:CreateEndpointConfig": "its model has the network",
            "sagemaker:CreateUserProfile": "takes the groups of its domain",
            "sagemaker:UpdateDomain": "an update of settings leaves the groups as they are",
            "sagemaker:UpdateUserProfile": "takes the groups of its domain",
        },
    ),
    GuardedKey(
        key="sagemaker:VolumeKmsKey",
        sid="VolumesEncrypted",
        actions=(
            *_AUTO_ML,
            *_JOB_DEFINITIONS,
            *_JOBS,
            "sagemaker:CreateDomain",
            "sagemaker:CreateEndpointConfig",
            "sagemaker:CreateLabelingJob",
            "sagemaker:CreateNotebookInstance",
            "sagemaker:CreateTransformJob",
        ),
        by_deployment=_BY_DEFINITION,
    ),
    GuardedKey(
        key="sagemaker:OutputKmsKey",
        sid="OutputsEncrypted",
        actions=(
            *_AUTO_ML,
            *_JOB_DEFINITIONS,
            *_JOBS,
            "sagemaker:CreateLabelingJob",
            "sagemaker:CreateTransformJob",
        ),
        by_deployment=_BY_DEFINITION,
    ),
    GuardedKey(
        key="sagemaker:InterContainerTrafficEncryption",
        sid="TrafficEncryptionStated",
        actions=(*_AUTO_ML, *_JOB_DEFINITIONS, *_JOBS),
        by_deployment=_BY_DEFINITION,
    ),
    GuardedKey(
        key="sagemaker:NetworkIsolation",
        sid="IsolationStated",
        actions=(*_JOB_DEFINITIONS, *_JOBS, "sagemaker:CreateModel"),
        by_deployment={
            **_BY_DEFINITION,
            "sagemaker:CreateEndpointConfig": "its model is isolated",
        },
    ),
)
"""What nothing computes without: a network, keys, encryption between containers, isolation."""

NEVER_FALSE = {
    "sagemaker:InterContainerTrafficEncryption": "TrafficEncrypted",
    "sagemaker:NetworkIsolation": "Isolated",
}
"""Keys that nobody sets to false, with the id of the statement that denies it."""

INSTANCE_ACTIONS = (
    *_JOB_DEFINITIONS,
    *_JOBS,
    *_SCHEDULES,
    "sagemaker:CreateApp",
    "sagemaker:CreateCluster",
    "sagemaker:CreateDomain",
    "sagemaker:CreateEndpointConfig",
    "sagemaker:CreateNotebookInstance",
    "sagemaker:CreateSpace",
    "sagemaker:CreateTransformJob",
    "sagemaker:CreateUserProfile",
    "sagemaker:UpdateCluster",
    "sagemaker:UpdateDomain",
    "sagemaker:UpdateNotebookInstance",
    "sagemaker:UpdateSpace",
    "sagemaker:UpdateTrainingJob",
    "sagemaker:UpdateUserProfile",
)
"""Actions that know `sagemaker:InstanceTypes`."""

RUNTIME_ACTIONS = (*_JOB_DEFINITIONS, *_JOBS, *_SCHEDULES)
"""Actions that know `sagemaker:MaxRuntimeInSeconds`."""

PRODUCTION_CHANGES = (
    *_JOB_DEFINITIONS,
    *_SCHEDULES,
    "sagemaker:CreateEndpoint",
    "sagemaker:CreateEndpointConfig",
    "sagemaker:CreateInferenceComponent",
    "sagemaker:CreateInferenceExperiment",
    "sagemaker:CreateModel",
    "sagemaker:DeleteDataQualityJobDefinition",
    "sagemaker:DeleteEndpoint",
    "sagemaker:DeleteEndpointConfig",
    "sagemaker:DeleteInferenceComponent",
    "sagemaker:DeleteInferenceExperiment",
    "sagemaker:DeleteModel",
    "sagemaker:DeleteModelBiasJobDefinition",
    "sagemaker:DeleteModelExplainabilityJobDefinition",
    "sagemaker:DeleteModelQualityJobDefinition",
    "sagemaker:DeleteMonitoringSchedule",
    "sagemaker:StartInferenceExperiment",
    "sagemaker:StartMonitoringSchedule",
    "sagemaker:StopInferenceExperiment",
    "sagemaker:StopMonitoringSchedule",
    "sagemaker:UpdateEndpoint",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
    "sagemaker:UpdateInferenceComponent",
    "sagemaker:UpdateInferenceComponentRuntimeConfig",
    "sagemaker:UpdateInferenceExperiment",
    "sagemaker:UpdateMonitoringAlert",
)
"""What changes how models are served and watched."""

EMERGENCY_ACTIONS = (
    "sagemaker:DeleteEndpoint",
    "sagemaker:StopMonitoringSchedule",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
)
"""What takes a model out of service; in an emergency a person may, through the role for it."""

EXPLORATION = (
    "sagemaker:CreateApp",
    "sagemaker:CreateDomain",
    "sagemaker:CreateNotebookInstance",
    "sagemaker:CreateSpace",
    "sagemaker:CreateUserProfile",
)
"""What people explore with."""

AUTHORING = (
    "codecommit:CreateCommit",
    "codecommit:GitPush",
    "codecommit:MergeBranchesByFastForward",
    "codecommit:MergeBranchesBySquash",
    "codecommit:MergeBranchesByThreeWay",
    "codecommit:MergePullRequestByFastForward",
    "codecommit:MergePullRequestBySquash",
    "codecommit:MergePullRequestByThreeWay",
    "codecommit:PutFile",
    "codecommit:UploadArchive",
    "sagemaker:Create*",
    "sagemaker:RetryPipelineExecution",
    "sagemaker:Start*",
)
"""What makes a model, or what a model is made of."""

USER_CREDENTIALS = (
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreateServiceSpecificCredential",
    "iam:CreateUser",
    "iam:ResetServiceSpecificCredential",
    "iam:UpdateAccessKey",
    "iam:UpdateLoginProfile",
    "iam:UploadSSHPublicKey",
    "iam:UploadSigningCertificate",
)
"""What makes users, and credentials that do not end."""

IDENTITY_PROVIDERS = (
    "iam:AddClientIDToOpenIDConnectProvider",
    "iam:CreateOpenIDConnectProvider",
    "iam:CreateSAMLProvider",
    "iam:DeleteOpenIDConnectProvider",
    "iam:DeleteSAMLProvider",
    "iam:UpdateOpenIDConnectProviderThumbprint",
    "iam:UpdateSAMLProvider",
)
"""What decides whose word is taken on who somebody is."""

ROLE_CHANGES = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
)
"""What makes a role, or another role out of one."""

ROLE_TAKING = (
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CreateChangeSet",
    "cloudformation:CreateStack",
    "cloudformation:CreateStackSet",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:UpdateStack",
    "cloudformation:UpdateStackSet",
    "codebuild:CreateProject",
    "codebuild:RetryBuild",
    "codebuild:StartBuild",
    "codebuild:StartBuildBatch",
    "codebuild:UpdateProject",
    "codepipeline:CreatePipeline",
    "codepipeline:UpdatePipeline",
    "glue:CreateJob",
    "glue:CreateSession",
    "glue:RunStatement",
    "glue:StartJobRun",
    "glue:UpdateJob",
    "iam:PassRole",
    "lambda:AddPermission",
    "lambda:CreateFunction",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "sagemaker:CreatePipeline",
    "sagemaker:StartPipelineExecution",
    "sagemaker:UpdatePipeline",
    "scheduler:CreateSchedule",
    "scheduler:UpdateSchedule",
    "ssm:SendCommand",
    "ssm:StartAutomationExecution",
    "sts:AssumeRole",
)
"""What makes something run in another role, of what the boundary lets anybody call."""

BUCKET_CHANGES = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutAnalyticsConfiguration",
    "s3:PutBucketAbac",
    "s3:PutBucketAcl",
    "s3:PutBucketLogging",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
)
"""What opens, weakens, copies or removes a bucket."""

KEY_CHANGES = (
    "kms:DeleteAlias",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:UpdateAlias",
)
"""What opens, weakens or removes a key, or has it taken for another."""

RECORD_CHANGES = (
    "cloudtrail:DeleteTrail",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
    "config:DeleteConfigRule",
    "config:DeleteConfigurationRecorder",
    "config:DeleteDeliveryChannel",
    "config:StopConfigurationRecorder",
    "ec2:DeleteFlowLogs",
    "logs:DeleteLogGroup",
    "logs:DeleteLogStream",
)
"""What ends or removes a record of what was done."""

INTERNET_DOORS = (
    "ec2:AllocateAddress",
    "ec2:AssociateAddress",
    "ec2:AttachInternetGateway",
    "ec2:CreateCarrierGateway",
    "ec2:CreateDefaultSubnet",
    "ec2:CreateDefaultVpc",
    "ec2:CreateEgressOnlyInternetGateway",
    "ec2:CreateInternetGateway",
    "ec2:CreateNatGateway",
)
"""What leads to or from the internet."""
