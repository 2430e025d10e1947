"""A system of the bank outside of the platform, in an account of its own."""

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mlzone.estate import Estate
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import account_session


class OutsideSystem:
    """A system that works in a role of its own, as its own administrators have made it."""

    def __init__(self, cloud: Endpoint, estate: Estate, role: str) -> None:
        self._cloud, self._region = cloud, estate.organization.home_region
        account = role.split(":")[4]
        path, _, name = role.partition(":role")[2].rpartition("/")
        iam = account_session(cloud, estate, account).client("iam")
        if name not in {item["RoleName"] for item in iam.list_roles()["Roles"]}:
            trust = _document("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{account}:root"})
            iam.create_role(RoleName=name, Path=f"{path}/", AssumeRolePolicyDocument=trust)
            taking = _document("sts:AssumeRole", Resource="*")
            iam.put_role_policy(RoleName=name, PolicyName="take", PolicyDocument=taking)
        sts = account_session(cloud, estate, account).client("sts")
        self._keys = sts.assume_role(RoleArn=role, RoleSessionName="nightly")["Credentials"]

    def storage(self, role: str, **said: str) -> Any:
        """Return the object storage in a role of the platform, as the system takes it."""
        sts = self._client("sts", self._keys)
        taken = sts.assume_role(RoleArn=role, RoleSessionName="night", **said)
        return self._client("s3", taken["Credentials"])

    def _client(self, service: str, keys: dict[str, str]) -> Any:
        return boto3.client(
            service,
            region_name=self._region,
            endpoint_url=self._cloud.url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )


def refused(call: Any, **request: Any) -> bool:
    """Tell whether a call is refused for want of a right."""
    try:
        call(**request)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "403")
    return False


def _document(action: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
