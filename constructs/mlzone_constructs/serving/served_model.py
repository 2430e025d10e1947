"""The SageMaker model that endpoints and batches serve, and the role in which it works."""

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from mlzone.surroundings import Statement
from mlzone_constructs.foundation import FoundationReferences
from mlzone_constructs.identity import GovernedRole, GovernedRoleProps
from mlzone_constructs.serving.place import ModelPlace
from mlzone_constructs.serving.release import ChallengerParameters, ReleaseParameters


def serving_role(
    scope: Construct, place: ModelPlace, statements: Sequence[Statement]
) -> GovernedRole:
    """Return the role of a model in its environment (IAM-01, ENC-04).

    Args:
        scope: where it is made.
        place: the model in its environment.
        statements: what it may do.
    """
    return GovernedRole(
        scope,
        "Role",
        GovernedRoleProps(
            governance=place.governance,
            role_name=place.role("serving"),
            description=f"Serves {place.model.title}",
            service="sagemaker.amazonaws.com",
            statements=statements,
        ),
    )


def served_model(
    scope: Construct,
    place: ModelPlace,
    foundation: FoundationReferences,
    release: ReleaseParameters | ChallengerParameters,
    role: GovernedRole,
    *,
    construct_id: str = "Model",
) -> tuple[str, sagemaker.CfnModel]:
    """Return the model of a release, isolated in the private network, and its name (NET-02).

    Args:
        scope: where it is made.
        place: the model in its environment.
        foundation: the environment's network.
        release: what it is made of.
        role: the role in which it works.
        construct_id: the model's id.
    """
    content: dict[str, Any] = {
        "execution_role_arn": role.arn,
        "enable_network_isolation": True,
        "vpc_config": sagemaker.CfnModel.VpcConfigProperty(
            subnets=foundation.subnet_ids, security_group_ids=foundation.security_group_ids
        ),
        "primary_container": sagemaker.CfnModel.ContainerDefinitionProperty(
            image=release["InferenceImage"],
            mode="SingleModel",
            model_data_url=release["ModelDataUrl"],
        ),
    }
    name = release.versioned(place.naming, place.endpoint, content)
    model = sagemaker.CfnModel(
        scope,
        construct_id,
        model_name=name,
        # Which version of the registry serves can be read off the model itself (MOD-01).
        tags=[cdk.CfnTag(key="mlz:model-package", value=release["ModelPackageArn"])],
        **content,
    )
    # Images and artefacts are read when the model starts: the role's policy must be there.
    model.node.add_dependency(role)
    return name, model
