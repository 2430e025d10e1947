"""IAM: roles, policies, identity providers."""

from typing import Any

from botocore.exceptions import ClientError

from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.provider import Context, Made, tag_list
from mlzone_cloud.cfn.state import Json, random_suffix
from mlzone_cloud.cfn.types.base import ExplicitType, document, gone, only

_MOST_VERSIONS = 5


class Role(ExplicitType):
    """`AWS::IAM::Role`."""

    type_name = "AWS::IAM::Role"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        iam = context.client("iam")
        name = properties.get("RoleName") or context.name(logical_id, 64)
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=document(properties["AssumeRolePolicyDocument"]),
            Tags=tag_list(properties),
            **only(properties, "Path", "Description", "MaxSessionDuration", "PermissionsBoundary"),
        )["Role"]
        with self.whole(context, name, properties):
            self._policies(iam, name, {}, properties)
        return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        iam = context.client("iam")
        trust = "AssumeRolePolicyDocument"
        if document(old[trust]) != document(new[trust]):
            iam.update_assume_role_policy(RoleName=physical_id, PolicyDocument=document(new[trust]))
        if only(old, "Description", "MaxSessionDuration") != only(
            new, "Description", "MaxSessionDuration"
        ):
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
        if tag_list(new) != tag_list(old) and tag_list(new):
            iam.tag_role(RoleName=physical_id, Tags=tag_list(new))
        self._policies(iam, physical_id, old, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        iam = context.client("iam")
        attached = iam.list_attached_role_policies(RoleName=physical_id)["AttachedPolicies"]
        for policy in attached:
            iam.detach_role_policy(RoleName=physical_id, PolicyArn=policy["PolicyArn"])
        for name in iam.list_role_policies(RoleName=physical_id)["PolicyNames"]:
            iam.delete_role_policy(RoleName=physical_id, PolicyName=name)
        iam.delete_role(RoleName=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        iam = context.client("iam")
        role = iam.get_role(RoleName=physical_id)["Role"]
        attached = iam.list_attached_role_policies(RoleName=physical_id)["AttachedPolicies"]
        # Policies that other resources put on the role are theirs, not the role's.
        names = {policy["PolicyName"] for policy in properties.get("Policies") or ()}
        actual = {
            **only(role, "RoleName", "Path", "Description", "MaxSessionDuration"),
            "AssumeRolePolicyDocument": role["AssumeRolePolicyDocument"],
            "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
            "Policies": [
                {
                    "PolicyName": name,
                    "PolicyDocument": iam.get_role_policy(RoleName=physical_id, PolicyName=name)[
                        "PolicyDocument"
                    ],
                }
                for name in iam.list_role_policies(RoleName=physical_id)["PolicyNames"]
                if name in names
            ],
        }
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return {**actual, **({"PermissionsBoundary": boundary} if boundary else {})}

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
            if policy in (old.get("Policies") or ()):
                continue
            iam.put_role_policy(
                RoleName=name,
                PolicyName=policy_name,
                PolicyDocument=document(policy["PolicyDocument"]),
            )
        for policy in old.get("Policies") or ():
            if policy["PolicyName"] not in inline:
                iam.delete_role_policy(RoleName=name, PolicyName=policy["PolicyName"])


_HOLDERS = (("role", "Roles"), ("user", "Users"), ("group", "Groups"))


def _holders(properties: Json) -> list[tuple[str, str]]:
    """Return the kinds and names of those that a policy is for."""
    return [(kind, name) for kind, key in _HOLDERS for name in properties.get(key) or ()]


class InlinePolicy(ExplicitType):
    """`AWS::IAM::Policy`: an inline policy of roles, users and groups."""

    type_name = "AWS::IAM::Policy"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        if not _holders(properties):
            raise ResourceError(
                "At least one of [Groups,Roles,Users] must be non-empty.", code="InvalidRequest"
            )
        identity = f"{context.stack_name[:5]}-{logical_id[:4]}-{random_suffix()}"
        with self.whole(context, identity, properties):
            self._put(context, properties)
        return Made(identity, {"Id": identity})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del physical_id
        for holder in _holders(old):
            if holder not in _holders(new) or old["PolicyName"] != new["PolicyName"]:
                self._delete(context, *holder, old["PolicyName"])
        self._put(context, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        for holder in _holders(properties):
            try:
                self._delete(context, *holder, properties["PolicyName"])
            except ClientError as error:
                if not gone(error):
                    raise

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del physical_id
        iam, kind_name = context.client("iam"), _holders(properties)
        kind, name = kind_name[0]
        found = getattr(iam, f"get_{kind}_policy")(
            **{f"{kind.capitalize()}Name": name, "PolicyName": properties["PolicyName"]}
        )
        return {"PolicyName": found["PolicyName"], "PolicyDocument": found["PolicyDocument"]}

    def _delete(self, context: Context, kind: str, name: str, policy: str) -> None:
        remove = getattr(context.client("iam"), f"delete_{kind}_policy")
        remove(**{f"{kind.capitalize()}Name": name, "PolicyName": policy})

    def _put(self, context: Context, properties: Json) -> None:
        for kind, name in _holders(properties):
            put = getattr(context.client("iam"), f"put_{kind}_policy")
            put(
                **{f"{kind.capitalize()}Name": name},
                PolicyName=properties["PolicyName"],
                PolicyDocument=document(properties["PolicyDocument"]),
            )


class ManagedPolicy(ExplicitType):
    """`AWS::IAM::ManagedPolicy`."""

    type_name = "AWS::IAM::ManagedPolicy"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        iam = context.client("iam")
        arn = iam.create_policy(
            PolicyName=properties.get("ManagedPolicyName") or context.name(logical_id, 128),
            PolicyDocument=document(properties["PolicyDocument"]),
            **only(properties, "Path", "Description"),
        )["Policy"]["Arn"]
        with self.whole(context, arn, properties):
            self._attach(iam, arn, {}, properties)
        return Made(arn, {"PolicyArn": arn})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
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

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        iam = context.client("iam")
        self._detach_all(iam, physical_id)
        for version in iam.list_policy_versions(PolicyArn=physical_id)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=physical_id, VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=physical_id)

    def _detach_all(self, iam: Any, arn: str) -> None:
        holders = iam.list_entities_for_policy(PolicyArn=arn)
        for kind in ("role", "user", "group"):
            name = f"{kind.capitalize()}Name"
            for holder in holders.get(f"Policy{kind.capitalize()}s") or ():
                detach = getattr(iam, f"detach_{kind}_policy")
                detach(**{name: holder[name]}, PolicyArn=arn)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        iam = context.client("iam")
        policy = iam.get_policy(PolicyArn=physical_id)["Policy"]
        version = iam.get_policy_version(
            PolicyArn=physical_id, VersionId=policy["DefaultVersionId"]
        )["PolicyVersion"]
        return {
            "ManagedPolicyName": policy["PolicyName"],
            "Path": policy["Path"],
            "PolicyDocument": version["Document"],
        }

    def _attach(self, iam: Any, arn: str, old: Json, new: Json) -> None:
        before, after = _holders(old), _holders(new)
        for kind, name in after:
            if (kind, name) not in before:
                attach = getattr(iam, f"attach_{kind}_policy")
                attach(**{f"{kind.capitalize()}Name": name}, PolicyArn=arn)
        for kind, name in before:
            if (kind, name) not in after:
                detach = getattr(iam, f"detach_{kind}_policy")
                detach(**{f"{kind.capitalize()}Name": name}, PolicyArn=arn)


class SamlProvider(ExplicitType):
    """`AWS::IAM::SAMLProvider`."""

    type_name = "AWS::IAM::SAMLProvider"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        arn = context.client("iam").create_saml_provider(
            Name=properties.get("Name") or context.name(logical_id, 64),
            SAMLMetadataDocument=properties["SamlMetadataDocument"],
        )["SAMLProviderArn"]
        return Made(arn, {"Arn": arn})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del old
        context.client("iam").update_saml_provider(
            SAMLProviderArn=physical_id, SAMLMetadataDocument=new["SamlMetadataDocument"]
        )

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("iam").delete_saml_provider(SAMLProviderArn=physical_id)


class OidcProvider(ExplicitType):
    """`AWS::IAM::OIDCProvider`."""

    type_name = "AWS::IAM::OIDCProvider"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        arn = context.client("iam").create_open_id_connect_provider(
            Url=properties["Url"],
            ClientIDList=properties.get("ClientIdList") or [],
            ThumbprintList=properties.get("ThumbprintList") or [],
            Tags=tag_list(properties),
        )["OpenIDConnectProviderArn"]
        return Made(arn, {"Arn": arn})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        iam = context.client("iam")
        before, after = old.get("ClientIdList") or [], new.get("ClientIdList") or []
        for client_id in after:
            if client_id not in before:
                iam.add_client_id_to_open_id_connect_provider(
                    OpenIDConnectProviderArn=physical_id, ClientID=client_id
                )
        for client_id in before:
            if client_id not in after:
                iam.remove_client_id_from_open_id_connect_provider(
                    OpenIDConnectProviderArn=physical_id, ClientID=client_id
                )
        if old.get("ThumbprintList") != new.get("ThumbprintList"):
            iam.update_open_id_connect_provider_thumbprint(
                OpenIDConnectProviderArn=physical_id,
                ThumbprintList=new.get("ThumbprintList") or [],
            )

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=physical_id)


TYPES = (Role, InlinePolicy, ManagedPolicy, SamlProvider, OidcProvider)
