"""What builds the platform's container images."""

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from mlzone.image import PUSH_ACTIONS, VERSIONS, Image, image_uri
from mlzone.naming import Limit
from mlzone_constructs.foundation import GovernedLogGroup, GovernedLogGroupProps
from mlzone_constructs.foundation.function import RUNTIME_FOLDER
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import GovernedRole, GovernedRoleProps
from mlzone_constructs.images.image_repository import ImageRepository

_BUILD = """set -eu
if aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$VERSION" \
    >/dev/null 2>&1
then
  echo "$REPOSITORY:$VERSION is there already"
else
  mkdir -p /tmp/context && cp -R "$CODEBUILD_SRC_DIR" /tmp/context/runtime
  aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"
  docker build --platform linux/amd64 --tag "$REGISTRY/$REPOSITORY:$VERSION" \
    --file "/tmp/context/runtime/images/$IMAGE/Dockerfile" /tmp/context
  docker push "$REGISTRY/$REPOSITORY:$VERSION"
fi
"""
"""Builds and pushes a version, unless the repository has it: versions never change."""


@dataclass(frozen=True, kw_only=True)
class ImageBuildsProps:
    """Properties of ImageBuilds."""

    governance: Governance
    """The organization's rules."""
    key: kms.IKey
    """Encrypts logs and what builds leave."""
    repositories: Mapping[Image, ImageRepository]
    """Where each image goes."""


class ImageBuilds(Construct):
    """Builds of the platform's images, whenever the platform's stack has changed.

    A version that its repository has already is not built again, so that a deployment without a
    new version costs a look.

    Guarantees:
        MOD-09: images come from this repository's sources, and from no other way.
        IAM-03: a build pushes its own image and nothing else.
        LOG-01: every build leaves an encrypted log that is kept.

    Example:
        ImageBuilds(self, "Builds", ImageBuildsProps(
            governance=governance, key=key, repositories=repositories))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ImageBuildsProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self._source = assets.Asset(
            self,
            "Source",
            path=str(RUNTIME_FOLDER),
            exclude=["**/__pycache__", "**/py.typed"],
        )
        projects = [self._project(image) for image in props.repositories]
        self._start_after_deployments(projects)

    def _project(self, image: Image) -> codebuild.CfnProject:
        props, governance = self._props, self._props.governance
        name = governance.naming.name("image", image, limit=Limit.CODEBUILD_PROJECT)
        log = GovernedLogGroup(
            self,
            f"Log-{image}",
            GovernedLogGroupProps(
                governance=governance, log_group_name=f"/aws/codebuild/{name}", key=props.key
            ),
        )
        role = self._role(image, log)
        stack = cdk.Stack.of(self)
        uri = image_uri(
            governance.naming, governance.shared_services, governance.home_region, image
        )
        variables = {
            "IMAGE": image,
            "REGISTRY": uri.partition("/")[0],
            "REPOSITORY": props.repositories[image].name,
            "VERSION": VERSIONS[image],
        }
        project = codebuild.CfnProject(
            self,
            f"Project-{image}",
            name=name,
            description=f"Builds the platform's image {image}",
            service_role=role.arn,
            encryption_key=props.key.key_arn,
            timeout_in_minutes=30,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_MEDIUM",
                image="aws/codebuild/amazonlinux-x86_64-standard:5.0",
                # A container engine runs inside the build's container.
                privileged_mode=True,
                environment_variables=[
                    codebuild.CfnProject.EnvironmentVariableProperty(name=key, value=value)
                    for key, value in variables.items()
                ],
            ),
            source=codebuild.CfnProject.SourceProperty(
                type="S3",
                location=f"{self._source.s3_bucket_name}/{self._source.s3_object_key}",
                build_spec=stack.to_json_string(
                    {"version": "0.2", "phases": {"build": {"commands": [_BUILD]}}}
                ),
            ),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=log.log_group.log_group_name
                )
            ),
        )
        project.node.add_dependency(role)
        return project

    def _role(self, image: Image, log: GovernedLogGroup) -> GovernedRole:
        props, governance = self._props, self._props.governance
        bucket = f"arn:{cdk.Stack.of(self).partition}:s3:::{self._source.s3_bucket_name}"
        return GovernedRole(
            self,
            f"Role-{image}",
            GovernedRoleProps(
                governance=governance,
                role_name=governance.naming.platform_role(f"image-{image}"),
                description=f"Builds the platform's image {image}",
                service="codebuild.amazonaws.com",
                statements=[
                    iam.PolicyStatement(
                        sid="WriteLog",
                        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                        resources=[log.log_group.log_group_arn],
                    ),
                    iam.PolicyStatement(
                        sid="ReadSource",
                        actions=["s3:GetObject", "s3:GetObjectVersion"],
                        resources=[f"{bucket}/{self._source.s3_object_key}"],
                    ),
                    iam.PolicyStatement(
                        sid="Push",
                        actions=list(PUSH_ACTIONS),
                        resources=[props.repositories[image].arn],
                    ),
                    # The action knows no resource.
                    iam.PolicyStatement(
                        sid="SignInToRegistry",
                        actions=["ecr:GetAuthorizationToken"],
                        resources=["*"],
                    ),
                    iam.PolicyStatement(
                        sid="Key",
                        actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
                        resources=[props.key.key_arn],
                    ),
                ],
            ),
        )

    def _start_after_deployments(self, projects: list[codebuild.CfnProject]) -> None:
        governance, stack = self._props.governance, cdk.Stack.of(self)
        role = GovernedRole(
            self,
            "StartRole",
            GovernedRoleProps(
                governance=governance,
                role_name=governance.naming.platform_role("image-builds"),
                description="Starts the builds of the platform's images",
                service="events.amazonaws.com",
                statements=[
                    iam.PolicyStatement(
                        sid="Start",
                        actions=["codebuild:StartBuild"],
                        resources=[project.attr_arn for project in projects],
                    )
                ],
            ),
        )
        stack_id = governance.arn(self, "cloudformation", f"stack/{stack.stack_name}/")
        events.CfnRule(
            self,
            "Rule",
            name=governance.naming.rule("platform", "images"),
            description="The platform's stack has changed",
            event_pattern={
                "source": ["aws.cloudformation"],
                "detail-type": ["CloudFormation Stack Status Change"],
                "detail": {
                    "stack-id": [{"prefix": stack_id}],
                    "status-details": {"status": ["CREATE_COMPLETE", "UPDATE_COMPLETE"]},
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id=f"build-{number}", arn=project.attr_arn, role_arn=role.arn
                )
                for number, project in enumerate(projects)
            ],
        )
