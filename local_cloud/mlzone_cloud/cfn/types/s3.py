"""S3: buckets with every security property, and bucket policies."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.provider import Context, Made, tag_list
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, document, gone


class Bucket(ExplicitType):
    """`AWS::S3::Bucket`."""

    type_name = "AWS::S3::Bucket"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("BucketName") or context.name(logical_id, 63).lower()
        arguments: Json = {"Bucket": name}
        if context.region != "us-east-1":
            arguments["CreateBucketConfiguration"] = {"LocationConstraint": context.region}
        if properties.get("ObjectLockEnabled"):
            arguments["ObjectLockEnabledForBucket"] = True
        s3 = context.client("s3")
        s3.create_bucket(**arguments)
        try:
            self._apply(s3, name, {}, properties)
        except Exception:
            s3.delete_bucket(Bucket=name)
            raise
        host = f"{name}.s3.{context.region}.amazonaws.com"
        return Made(
            name,
            {
                "Arn": f"arn:aws:s3:::{name}",
                "DomainName": f"{name}.s3.amazonaws.com",
                "RegionalDomainName": host,
                "DualStackDomainName": f"{name}.s3.dualstack.{context.region}.amazonaws.com",
                "WebsiteURL": f"http://{name}.s3-website-{context.region}.amazonaws.com",
            },
        )

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        self._apply(context.client("s3"), physical_id, old, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        s3 = context.client("s3")
        listing = s3.list_object_versions(Bucket=physical_id, MaxKeys=1)
        if listing.get("Versions") or listing.get("DeleteMarkers"):
            raise ResourceError(
                "The bucket you tried to delete is not empty. You must delete all versions in the "
                "bucket. (Service: S3, Status Code: 409)"
            )
        s3.delete_bucket(Bucket=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        s3 = context.client("s3")
        s3.head_bucket(Bucket=physical_id)
        actual: Json = {"BucketName": physical_id}
        for key, getter in _GETTERS.items():
            if key in properties:
                try:
                    actual[key] = getter(s3, physical_id)
                except ClientError as error:
                    if not gone(error):
                        raise
                    # The bucket lost the setting.
                    actual[key] = {}
        return actual

    def _apply(self, s3: Any, name: str, old: Json, new: Json) -> None:
        for key, setter in _SETTERS.items():
            if old.get(key) != new.get(key) and new.get(key) is not None:
                setter(s3, name, new[key])
        if tag_list(old) != tag_list(new):
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(new)})


def _versioning(s3: Any, name: str, value: Json) -> None:
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=value)


def _encryption(s3: Any, name: str, value: Json) -> None:
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": bool(rule.get("BucketKeyEnabled", False)),
        }
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def _public_access(s3: Any, name: str, value: Json) -> None:
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=value)


def _logging(s3: Any, name: str, value: Json) -> None:
    s3.put_bucket_logging(
        Bucket=name,
        BucketLoggingStatus={
            "LoggingEnabled": {
                "TargetBucket": value.get("DestinationBucketName", name),
                "TargetPrefix": value.get("LogFilePrefix", ""),
            }
        },
    )


def _ownership(s3: Any, name: str, value: Json) -> None:
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=value)


def _lifecycle(s3: Any, name: str, value: Json) -> None:
    rules = []
    for index, rule in enumerate(value.get("Rules", [])):
        entry: Json = {
            "ID": rule.get("Id", f"rule-{index}"),
            "Status": rule["Status"],
            "Filter": {"Prefix": rule.get("Prefix", "")},
        }
        if "ExpirationInDays" in rule:
            entry["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
        if "Transitions" in rule:
            entry["Transitions"] = [
                {"Days": int(item["TransitionInDays"]), "StorageClass": item["StorageClass"]}
                for item in rule["Transitions"]
            ]
        if "NoncurrentVersionExpiration" in rule:
            entry["NoncurrentVersionExpiration"] = {
                "NoncurrentDays": int(rule["NoncurrentVersionExpiration"]["NoncurrentDays"])
            }
        if "AbortIncompleteMultipartUpload" in rule:
            entry["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
        rules.append(entry)
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})


def _cors(s3: Any, name: str, value: Json) -> None:
    rules = [
        {key: rule[key] for key in ("AllowedMethods", "AllowedOrigins", "AllowedHeaders")
         if rule.get(key)}
        for rule in value["CorsRules"]
    ]  # fmt: skip
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})


def _object_lock(s3: Any, name: str, value: Json) -> None:
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=value)


def _notifications(s3: Any, name: str, value: Json) -> None:
    events = value.get("EventBridgeConfiguration")
    if events and str(events.get("EventBridgeEnabled", "true")).lower() == "true":
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )


_SETTERS: dict[str, Callable[[Any, str, Json], None]] = {
    "VersioningConfiguration": _versioning,
    "BucketEncryption": _encryption,
    "PublicAccessBlockConfiguration": _public_access,
    "LoggingConfiguration": _logging,
    "OwnershipControls": _ownership,
    "LifecycleConfiguration": _lifecycle,
    "CorsConfiguration": _cors,
    "ObjectLockConfiguration": _object_lock,
    "NotificationConfiguration": _notifications,
}


_GETTERS: dict[str, Callable[[Any, str], Json]] = {
    "VersioningConfiguration": lambda s3, name: {
        "Status": s3.get_bucket_versioning(Bucket=name).get("Status", "Suspended")
    },
    "PublicAccessBlockConfiguration": lambda s3, name: s3.get_public_access_block(Bucket=name)[
        "PublicAccessBlockConfiguration"
    ],
    "OwnershipControls": lambda s3, name: s3.get_bucket_ownership_controls(Bucket=name)[
        "OwnershipControls"
    ],
    "BucketEncryption": lambda s3, name: {
        "ServerSideEncryptionConfiguration": [
            {
                **({"BucketKeyEnabled": True} if rule.get("BucketKeyEnabled") else {}),
                "ServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"],
            }
            for rule in s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"][
                "Rules"
            ]
        ]
    },
}


class BucketPolicy(ExplicitType):
    """`AWS::S3::BucketPolicy`."""

    type_name = "AWS::S3::BucketPolicy"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        self._put(context, properties)
        return Made(properties["Bucket"], {})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del physical_id, old
        self._put(context, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("s3").delete_bucket_policy(Bucket=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        policy = context.client("s3").get_bucket_policy(Bucket=physical_id)["Policy"]
        return {"Bucket": physical_id, "PolicyDocument": json.loads(policy)}

    def _put(self, context: Context, properties: Json) -> None:
        context.client("s3").put_bucket_policy(
            Bucket=properties["Bucket"], Policy=document(properties["PolicyDocument"])
        )


TYPES = (Bucket, BucketPolicy)
