"""Rules on data at rest: encrypted with keys of ours that rotate."""

from collections.abc import Iterator

from mlzone.rules.rule import Resource, Rule


class RotatingKey(Rule):
    """A key that never rotates protects ever more data; rotation is on."""

    id = "MLZ-KEY-001"
    control = "ENC-03"
    types = ("AWS::KMS::Key",)
    fix = "set EnableKeyRotation"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield a key that does not rotate."""
        del everything
        if resource.properties.get("EnableKeyRotation") is not True:
            yield "EnableKeyRotation is not true"


class TlsOnlyBucket(Rule):
    """A bucket without a policy answers in the clear; a Deny on aws:SecureTransport closes it."""

    id = "MLZ-BUCKET-002"
    control = "ENC-01"
    types = ("AWS::S3::Bucket",)
    fix = "add a bucket policy that denies requests without TLS"

    def problems(self, resource: Resource, everything: list[Resource]) -> Iterator[str]:
        """Yield a bucket that answers without TLS."""
        for item in everything:
            if (
                item.type == "AWS::S3::BucketPolicy"
                and item.template == resource.template
                and item.properties.get("Bucket") == {"Ref": resource.id}
                and any(
                    statement["Effect"] == "Deny"
                    and statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
                    in ("false", False)
                    for statement in item.properties["PolicyDocument"]["Statement"]
                )
            ):
                return
        yield "no bucket policy denies requests without TLS"
