"""Two small stacks in two accounts, in the variants that the test deploys one after the other."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm

app = cdk.App(analytics_reporting=False)
variant = app.node.try_get_context("variant") or "first"
region = "sa-east-1"

shared = cdk.Stack(app, "demo-shared", env=cdk.Environment(account="100000000002", region=region))
key = kms.Key(shared, "Key", removal_policy=cdk.RemovalPolicy.DESTROY)
bucket = s3.Bucket(
    shared,
    "Bucket",
    encryption=s3.BucketEncryption.KMS,
    encryption_key=key,
    enforce_ssl=True,
    versioned=True,
    block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
    removal_policy=cdk.RemovalPolicy.DESTROY,
)
cdk.CfnOutput(shared, "BucketName", value=bucket.bucket_name)

unit = cdk.Stack(app, "demo-unit", env=cdk.Environment(account="111111111111", region=region))
role = iam.Role(
    unit,
    "Role",
    assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
    max_session_duration=cdk.Duration.hours(1 if variant == "first" else 2),
)
topic = sns.Topic(unit, "Topic", topic_name="one" if variant == "first" else "two")
ssm.StringParameter(unit, "Parameter", parameter_name="/demo/topic", string_value=topic.topic_arn)
group = sagemaker.CfnModelPackageGroup(unit, "Models", model_package_group_name="demo-models")
if variant == "bad":
    bad = sagemaker.CfnSpace(unit, "Bad", domain_id="d-missing1", space_name="bad--name-")
    bad.add_dependency(group)
    changed = ssm.StringParameter(unit, "Added", parameter_name="/demo/added", string_value="added")
    bad.node.add_dependency(changed)
unit.add_dependency(shared)

app.synth()
