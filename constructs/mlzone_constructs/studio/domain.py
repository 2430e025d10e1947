"""A team's Studio domain with the profiles of its people."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from mlzone.estate import Team, team_members
from mlzone.persona import PERSONAS
from mlzone_constructs.governance import Governance

_START_SCRIPT = """#!/bin/bash
# Runs when a space starts: packages come from the company's index alone, and commits carry the
# person's own name.
set -eu
git config --global pull.rebase true
git config --global credential.helper '!aws codecommit credential-helper $@'
git config --global credential.UseHttpPath true
"""


@dataclass(frozen=True, kw_only=True)
class StudioDomainProps:
    """Properties of a StudioDomain."""

    governance: Governance
    """The organization's rules."""
    team: Team
    """Whose domain it is."""
    key: kms.IKey
    """Encrypts home directories and volumes."""
    execution_role_arn: str
    """The role in which the team's notebooks run."""
    vpc_id: str
    """The private network."""
    subnet_ids: Sequence[str]
    """Its subnets."""
    security_group_ids: Sequence[str]
    """The workloads' security group."""


class StudioDomain(Construct):
    """A Studio domain for one team: private, encrypted, attributed, and off when idle.

    Guarantees:
        NET-01: `VpcOnly`; no Docker.
        ENC-02: home directories and volumes are encrypted with the team's key.
        IAM-07: sessions carry the profile's name as SourceIdentity.
        IAM-08: people sign in through IAM Identity Center, unless the estate says otherwise.
        GOV-01: tags of the domain reach everything that is made in it.

    Example:
        StudioDomain(self, "Studio", StudioDomainProps(
            governance=governance, team=team, key=key, execution_role_arn=role.arn, vpc_id=...,
            subnet_ids=..., security_group_ids=...))
    """

    def __init__(self, scope: Construct, construct_id: str, props: StudioDomainProps) -> None:
        super().__init__(scope, construct_id)
        governance, team = props.governance, props.team
        unit, _ = governance.of_unit()
        single_sign_on = governance.estate.organization.identity.studio == "identity-center"
        start_script = self._start_script(props)
        lifecycle = self._idle_shutdown(props)
        self.domain = sagemaker.CfnDomain(
            self,
            "Resource",
            domain_name=governance.naming.studio_domain(unit.name, team.name),
            auth_mode="SSO" if single_sign_on else "IAM",
            app_network_access_type="VpcOnly",
            app_security_group_management="Customer" if single_sign_on else None,
            vpc_id=props.vpc_id,
            subnet_ids=list(props.subnet_ids),
            kms_key_id=props.key.key_id,
            tag_propagation="ENABLED",
            domain_settings=sagemaker.CfnDomain.DomainSettingsProperty(
                docker_settings=sagemaker.CfnDomain.DockerSettingsProperty(
                    enable_docker_access="DISABLED"
                ),
                execution_role_identity_config="USER_PROFILE_NAME",
                security_group_ids=list(props.security_group_ids),
            ),
            default_user_settings=sagemaker.CfnDomain.UserSettingsProperty(
                execution_role=props.execution_role_arn,
                security_groups=list(props.security_group_ids),
                default_landing_uri="studio::",
                studio_web_portal="ENABLED",
                space_storage_settings=self._storage(team),
                jupyter_lab_app_settings=sagemaker.CfnDomain.JupyterLabAppSettingsProperty(
                    app_lifecycle_management=lifecycle,
                    lifecycle_config_arns=[start_script.attr_studio_lifecycle_config_arn],
                ),
                code_editor_app_settings=sagemaker.CfnDomain.CodeEditorAppSettingsProperty(
                    app_lifecycle_management=lifecycle
                ),
            ),
            default_space_settings=sagemaker.CfnDomain.DefaultSpaceSettingsProperty(
                execution_role=props.execution_role_arn,
                security_groups=list(props.security_group_ids),
                space_storage_settings=self._storage(team),
                jupyter_lab_app_settings=sagemaker.CfnDomain.JupyterLabAppSettingsProperty(
                    app_lifecycle_management=lifecycle
                ),
            ),
        )
        """The domain."""
        self.domain.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.profiles = [
            self._profile(props, person, single_sign_on=single_sign_on)
            for persona, person in team_members(team)
            if PERSONAS[persona].studio
        ]
        """The profiles of the team's people."""
        self.space = self._shared_space(props)
        """Where the team works on the same notebooks."""

    def _profile(
        self, props: StudioDomainProps, person: str, *, single_sign_on: bool
    ) -> sagemaker.CfnUserProfile:
        governance = props.governance
        name = governance.naming.user_profile(person)
        return sagemaker.CfnUserProfile(
            self,
            f"Profile-{name}",
            domain_id=self.domain.attr_domain_id,
            user_profile_name=name,
            single_sign_on_user_identifier="UserName" if single_sign_on else None,
            single_sign_on_user_value=governance.estate.email(person) if single_sign_on else None,
            user_settings=sagemaker.CfnUserProfile.UserSettingsProperty(
                execution_role=props.execution_role_arn
            ),
        )

    def _shared_space(self, props: StudioDomainProps) -> sagemaker.CfnSpace:
        """Whoever leads the team owns the space; its sharing type lets all its people in.

        A space cannot change its owner: when they leave, another takes its place, under another
        name, as the old one goes only once the new one is there.
        """
        members = props.team.members
        owner = (*members.lead_data_scientists, *members.data_scientists)[0]
        naming = props.governance.naming
        digest = hashlib.sha256(owner.encode()).hexdigest()
        space = sagemaker.CfnSpace(
            self,
            "SharedSpace",
            domain_id=self.domain.attr_domain_id,
            space_name=naming.versioned("shared", digest),
            space_display_name=f"Shared by {props.team.title}"[:64],
            ownership_settings=sagemaker.CfnSpace.OwnershipSettingsProperty(
                owner_user_profile_name=naming.user_profile(owner)
            ),
            space_sharing_settings=sagemaker.CfnSpace.SpaceSharingSettingsProperty(
                sharing_type="Shared"
            ),
            space_settings=sagemaker.CfnSpace.SpaceSettingsProperty(
                app_type="JupyterLab",
                space_storage_settings=sagemaker.CfnSpace.SpaceStorageSettingsProperty(
                    ebs_storage_settings=sagemaker.CfnSpace.EbsStorageSettingsProperty(
                        ebs_volume_size_in_gb=props.team.studio.default_storage_gb
                    )
                ),
            ),
        )
        for profile in self.profiles:
            space.add_dependency(profile)
        return space

    def _storage(self, team: Team) -> sagemaker.CfnDomain.DefaultSpaceStorageSettingsProperty:
        return sagemaker.CfnDomain.DefaultSpaceStorageSettingsProperty(
            default_ebs_storage_settings=sagemaker.CfnDomain.DefaultEbsStorageSettingsProperty(
                default_ebs_volume_size_in_gb=team.studio.default_storage_gb,
                maximum_ebs_volume_size_in_gb=team.studio.max_storage_gb,
            )
        )

    def _idle_shutdown(
        self, props: StudioDomainProps
    ) -> sagemaker.CfnDomain.AppLifecycleManagementProperty:
        longest = props.governance.estate.organization.guardrails.max_idle_minutes
        return sagemaker.CfnDomain.AppLifecycleManagementProperty(
            idle_settings=sagemaker.CfnDomain.IdleSettingsProperty(
                lifecycle_management="ENABLED",
                idle_timeout_in_minutes=props.team.studio.idle_minutes,
                min_idle_timeout_in_minutes=60,
                max_idle_timeout_in_minutes=longest,
            )
        )

    def _start_script(self, props: StudioDomainProps) -> sagemaker.CfnStudioLifecycleConfig:
        """Everything of a lifecycle configuration is create-only: its name carries its content."""
        unit, _ = props.governance.of_unit()
        naming = props.governance.naming
        digest = hashlib.sha256(_START_SCRIPT.encode()).hexdigest()
        return sagemaker.CfnStudioLifecycleConfig(
            self,
            "StartScript",
            studio_lifecycle_config_app_type="JupyterLab",
            studio_lifecycle_config_name=naming.versioned(
                naming.name(unit.name, props.team.name, "start"), digest
            ),
            studio_lifecycle_config_content=base64.b64encode(_START_SCRIPT.encode()).decode(),
        )
