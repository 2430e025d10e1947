"""What the pipeline that deploys a unit may do, as IAM statements: one role a purpose.

What a commit says runs in these roles. So only those of the deployment reach an account at all,
each that of its own environment, and through nothing but the roles of the CDK's bootstrap; what
checks and plans reads the repository and nothing else.
"""

from dataclasses import dataclass

from mlzone.serving_policy import announce
from mlzone.surroundings import Statement, Surroundings, allow

APPROVE = "Approve"
"""The action with which an environment waits for a person; its stage is called the same and the
environment's name."""

_QUALIFIER = "hnb659fds"
"""The CDK's own name for what its bootstrap makes."""
_DEPLOYS = ("deploy", "file-publishing", "lookup")
_READS = ("lookup",)
LOOKING = ("verify", "drift")
"""The purposes of the roles that look at what is deployed, and change nothing."""
DRIFT_REPORTS = "drift"
"""Where in the pipeline's bucket the reports of the check for drift lie."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """The pipeline of one unit, in the shared-services account."""

    surroundings: Surroundings
    """Where the roles exist; `keys` encrypt artefacts and logs."""
    repository: str
    """The repository's name; with its owner at a provider."""
    connection_arn: str | None
    """The connection to the source provider; None for CodeCommit."""

    @property
    def pipeline(self) -> str:
        """The CodePipeline."""
        return self.surroundings.naming.environment_pipeline(self.surroundings.unit)

    @property
    def pipeline_arn(self) -> str:
        """The CodePipeline."""
        return self.surroundings.arn("codepipeline", self.pipeline)

    @property
    def drift_pipeline(self) -> str:
        """The CodePipeline that looks for what was changed by hand."""
        return self.surroundings.naming.drift_pipeline(self.surroundings.unit)

    @property
    def bucket(self) -> str:
        """What the pipeline's stages hand to each other."""
        s = self.surroundings
        return f"arn:{s.partition}:s3:::{s.naming.change_bucket(s.unit, s.account)}"


def _hand_on(c: Change) -> list[Statement]:
    return [
        allow("HandOn", ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], [f"{c.bucket}/*"]),
        _keys(c),
    ]


def _keys(c: Change) -> Statement:
    return allow(
        "Keys",
        ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
        list(c.surroundings.keys),
    )


def _through_connection(c: Change) -> Statement:
    return allow(
        "ReadSource",
        ["codeconnections:UseConnection"],
        [c.connection_arn or ""],
        {"StringEquals": {"codeconnections:FullRepositoryId": c.repository}},
    )


def pipeline_statements(c: Change, *, projects: list[str]) -> list[Statement]:
    """Return what the pipeline may do: read the source and run its projects."""
    s = c.surroundings
    source = (
        _through_connection(c)
        if c.connection_arn
        else allow(
            "ReadSource",
            [
                "codecommit:CancelUploadArchive",
                "codecommit:GetBranch",
                "codecommit:GetCommit",
                "codecommit:GetRepository",
                "codecommit:GetUploadArchiveStatus",
                "codecommit:UploadArchive",
            ],
            [s.arn("codecommit", c.repository)],
        )
    )
    return [
        *_hand_on(c),
        source,
        allow(
            "RunProjects",
            ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"],
            [s.arn("codebuild", f"project/{name}") for name in projects],
        ),
    ]


def project_statements(c: Change, *, project: str) -> list[Statement]:
    """Return what every project of the pipeline may do: clone the repository and write its log."""
    return [*_hand_on(c), *_run(c, project)]


def _run(c: Change, project: str) -> list[Statement]:
    s = c.surroundings
    return [
        allow(
            "WriteLog",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [s.arn("logs", f"log-group:/aws/codebuild/{project}:*")],
        ),
        # A plan compares revisions: it needs the repository's history, not only its files.
        _through_connection(c)
        if c.connection_arn
        else allow("CloneSource", ["codecommit:GitPull"], [s.arn("codecommit", c.repository)]),
    ]


def plan_statements(c: Change) -> list[Statement]:
    """Return what plans a change: it looks which commit was deployed last, and changes nothing."""
    return [allow("SeeLastDeployed", ["codepipeline:ListPipelineExecutions"], [c.pipeline_arn])]


def deploy_statements(c: Change, *, account: str, region: str) -> list[Statement]:
    """Return what deploys into one environment, after seeing who approved.

    Args:
        c: the pipeline.
        account: the environment's account.
        region: the environment's Region.
    """
    return [
        allow("SeeApprovals", ["codepipeline:ListActionExecutions"], [c.pipeline_arn]),
        allow("Deploy", ["sts:AssumeRole"], _bootstrap_roles(c, _DEPLOYS, account, region)),
    ]


def verify_statements(c: Change, *, places: list[tuple[str, str]]) -> list[Statement]:
    """Return what compares environments with what was to be deployed: it reads.

    Args:
        c: the pipeline.
        places: account and Region of each environment.
    """
    roles = [role for place in places for role in _bootstrap_roles(c, _READS, *place)]
    return [allow("Look", ["sts:AssumeRole"], roles)]


def drift_statements(
    c: Change, *, project: str, places: list[tuple[str, str]], bus_arn: str
) -> list[Statement]:
    """Return what looks for changes by hand: it reads accounts, keeps its report and tells of it.

    Args:
        c: the pipeline of the unit.
        project: the project that looks.
        places: account and Region of each environment.
        bus_arn: the platform's bus.
    """
    return [
        *_run(c, project),
        *verify_statements(c, places=places),
        allow("TakeSource", ["s3:GetObject", "s3:GetObjectVersion"], [f"{c.bucket}/*"]),
        allow("KeepReport", ["s3:PutObject"], [f"{c.bucket}/{DRIFT_REPORTS}/*"]),
        _keys(c),
        announce(bus_arn),
    ]


def start_statements(c: Change, pipeline: str) -> list[Statement]:
    """Return what an event rule may do: start a pipeline of the unit.

    Args:
        c: the pipeline that deploys the unit.
        pipeline: the one that is started.
    """
    arn = c.surroundings.arn("codepipeline", pipeline)
    return [allow("Start", ["codepipeline:StartPipelineExecution"], [arn])]


def contributor_statements(c: Change, *, stages: list[str]) -> list[Statement]:
    """Return what the people may do who change a unit: propose, review, and answer its pipeline.

    Whether an answer counts is decided by the plan, which names who must agree.

    Args:
        c: the pipeline.
        stages: the stages in which the pipeline waits for a person.
    """
    s = c.surroundings
    repository = [] if c.connection_arn else [s.arn("codecommit", c.repository)]
    return [
        *(
            [
                allow(
                    "Contribute",
                    [
                        "codecommit:CreatePullRequest",
                        "codecommit:GetBranch",
                        "codecommit:GetPullRequest",
                        "codecommit:GetRepository",
                        "codecommit:GitPull",
                        "codecommit:GitPush",
                        "codecommit:MergePullRequestByFastForward",
                        "codecommit:PostCommentForPullRequest",
                        "codecommit:UpdatePullRequestApprovalState",
                    ],
                    repository,
                )
            ]
            if repository
            else []
        ),
        allow(
            "SeePipeline",
            [
                "codepipeline:GetPipeline",
                "codepipeline:GetPipelineExecution",
                "codepipeline:GetPipelineState",
                "codepipeline:ListActionExecutions",
                "codepipeline:ListPipelineExecutions",
            ],
            [c.pipeline_arn],
        ),
        allow(
            "Answer",
            ["codepipeline:PutApprovalResult"],
            [f"{c.pipeline_arn}/{stage}/{APPROVE}" for stage in stages],
        ),
    ]


def _bootstrap_roles(c: Change, purposes: tuple[str, ...], account: str, region: str) -> list[str]:
    return [
        f"arn:{c.surroundings.partition}:iam::{account}:role/"
        f"{bootstrap_role(purpose, account, region)}"
        for purpose in purposes
    ]


def bootstrap_role(purpose: str, account: str, region: str) -> str:
    """Return the name of a role that the CDK's bootstrap makes.

    Args:
        purpose: what it does, such as `deploy`.
        account: its account.
        region: its Region.
    """
    return f"cdk-{_QUALIFIER}-{purpose}-role-{account}-{region}"
