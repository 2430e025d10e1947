"""IAM: roles, policies, identity providers."""

from typing import Any

from mlzone_cloud.cfn.provider import Context, Made, tag_list
from mlzone_cloud.cfn.state import Json, random_suffix
from mlzone_cloud.cfn.types.base import ExplicitType, document, only

_MOST_VERSIONS = 5


class Role(ExplicitType):
    """`AWS::IAM::Role`."""

    type_name = "AWS::IAM::Role"

    def make(self, context: Context, logical_id: str, properties: Json) -> Made:
        iam = context.client("iam")
        name = properties.get("RoleName") or context.name(logical_id, 64)
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=document(properties["AssumeRolePolicyDocument"]),
            Tags=tag_list(properties),
            **only(properties, "Path", "Description", "MaxSessionDuration", "PermissionsBoundary"),
        )["Role"]
        self._policies(iam, name, {}, properties)
        return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        iam = context.client("iam")
        iam.update_assume_role_policy(
            RoleName=physical_id, PolicyDocument=document(new["AssumeRolePolicyDocument"])
        )
        iam.update_role(
            RoleName=physical_id,
            Description=new.get("Description", ""),
            MaxSessionDuration=int(new.get("MaxSessionDuration", 3600)),
        )
        boundary = new.get("PermissionsBoundary")
        if boundary != old.get("PermissionsBoundary"):
            if boundary:
                iam.put_role_permissions_boundary(
                    RoleName=physical_id, PermissionsBoundary=boundary
                )
            else:
                iam.delete_role_permissions_boundary(RoleName=physical_id)
        gone = {tag["Key"] for tag in tag_list(old)} - {tag["Key"] for tag in tag_list(new)}
        if gone:
            iam.untag_role(RoleName=physical_id, TagKeys=sorted(gone))
        if tag_list(new):
            iam.tag_role(RoleName=physical_id, Tags=tag_list(new))
        self._policies(iam, physical_id, old, new)

    def drop(self, context: Context, physical_id: str, properties: Json) -> None:
        iam = context.client("iam")
        attached = iam.list_attached_role_policies(RoleName=physical_id)["AttachedPolicies"]
        for policy in attached:
            iam.detach_role_policy(RoleName=physical_id, PolicyArn=policy["PolicyArn"])
        for name in iam.list_role_policies(RoleName=physical_id)["PolicyNames"]:
            iam.delete_role_policy(RoleName=physical_id, PolicyName=name)
        iam.delete_role(RoleName=physical_id)

    def _policies(self, iam: Any, name: str, old: Json, new: Json) -> None:
        before, after = old.get("ManagedPolicyArns") or [], new.get("ManagedPolicyArns") or []
        for arn in after:
            if arn not in before:
                iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in before:
            if arn not in after:
                iam.detach_role_policy(RoleName=name, PolicyArn=arn)
        inline = {policy["PolicyName"]: policy for policy in new.get("Policies") or ()}
        for policy_name, policy in inline.items():
            iam.put_role_policy(
                RoleName=name,
                PolicyName=policy_name,
                PolicyDocument=document(policy["PolicyDocument"]),
            )
        for policy in old.get("Policies") or ():
            if policy["PolicyName"] not in inline:
                iam.delete_role_policy(RoleName=name, PolicyName=policy["PolicyName"])


class InlinePolicy(ExplicitType):
    """`AWS::IAM::Policy`: an inline policy of roles."""

    type_name = "AWS::IAM::Policy"

    def make(self, context: Context, logical_id: str, properties: Json) -> Made:
        self._put(context, properties, properties.get("Roles") or ())
        return Made(f"{context.stack_name[:5]}-{logical_id[:4]}-{random_suffix()}", {})

    def change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del physical_id
        roles = new.get("Roles") or ()
        for role in old.get("Roles") or ():
            if role not in roles or old["PolicyName"] != new["PolicyName"]:
                context.client("iam").delete_role_policy(
                    RoleName=role, PolicyName=old["PolicyName"]
                )
        self._put(context, new, roles)

    def drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        for role in properties.get("Roles") or ():
            context.client("iam").delete_role_policy(
                RoleName=role, PolicyName=properties["PolicyName"]
            )

    def _put(self, context: Context, properties: Json, roles: Any) -> None:
        for role in roles:
            context.client("iam").put_role_policy(
                RoleName=role,
                PolicyName=properties["PolicyName"],
                PolicyDocument=document(properties["PolicyDocument"]),
            )


class ManagedPolicy(ExplicitType):
    """`AWS::IAM::ManagedPolicy`."""

    type_name = "AWS::IAM::ManagedPolicy"

    def make(self, context: Context, logical_id: str, properties: Json) -> Made:
        iam = context.client("iam")
        arn = iam.create_policy(
            PolicyName=properties.get("ManagedPolicyName") or context.name(logical_id, 128),
            PolicyDocument=document(properties["PolicyDocument"]),
            **only(properties, "Path", "Description"),
        )["Policy"]["Arn"]
        self._attach(iam, arn, {}, properties)
        return Made(arn, {"PolicyArn": arn})

    def change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        iam = context.client("iam")
        if document(old["PolicyDocument"]) != document(new["PolicyDocument"]):
            versions = iam.list_policy_versions(PolicyArn=physical_id)["Versions"]
            if len(versions) >= _MOST_VERSIONS:
                oldest = [item for item in versions if not item["IsDefaultVersion"]][-1]
                iam.delete_policy_version(PolicyArn=physical_id, VersionId=oldest["VersionId"])
            iam.create_policy_version(
                PolicyArn=physical_id,
                PolicyDocument=document(new["PolicyDocument"]),
                SetAsDefault=True,
            )
        self._attach(iam, physical_id, old, new)

    def drop(self, context: Context, physical_id: str, properties: Json) -> None:
        iam = context.client("iam")
        self._attach(iam, physical_id, properties, {})
        for version in iam.list_policy_versions(PolicyArn=physical_id)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=physical_id, VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=physical_id)

    def _attach(self, iam: Any, arn: str, old: Json, new: Json) -> None:
        before, after = old.get("Roles") or [], new.get("Roles") or []
        for role in after:
            if role not in before:
                iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        for role in before:
            if role not in after:
                iam.detach_role_policy(RoleName=role, PolicyArn=arn)


class SamlProvider(ExplicitType):
    """`AWS::IAM::SAMLProvider`."""

    type_name = "AWS::IAM::SAMLProvider"

    def make(self, context: Context, logical_id: str, properties: Json) -> Made:
        arn = context.client("iam").create_saml_provider(
            Name=properties.get("Name") or context.name(logical_id, 64),
            SAMLMetadataDocument=properties["SamlMetadataDocument"],
        )["SAMLProviderArn"]
        return Made(arn, {"Arn": arn})

    def change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del old
        context.client("iam").update_saml_provider(
            SAMLProviderArn=physical_id, SAMLMetadataDocument=new["SamlMetadataDocument"]
        )

    def drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("iam").delete_saml_provider(SAMLProviderArn=physical_id)


TYPES = (Role, InlinePolicy, ManagedPolicy, SamlProvider)
