"""Who may do what: the layers of IAM at the front door."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.core.acting import (
    DEV,
    MANAGEMENT,
    PROD,
    REGION,
    SHARED,
    assume,
    client_with,
    make_role,
    policy,
    root,
    statement,
)

from mlzone_cloud.cloud import Cloud


def denied(error: pytest.ExceptionInfo[ClientError]) -> str:
    answer = error.value.response["Error"]
    assert answer["Code"] in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
    return str(answer["Message"])


def acting(cloud: Cloud, service: str, role_arn: str, **more: Any) -> Any:
    return client_with(cloud, service, assume(cloud, role_arn, **more))


def test_a_role_may_do_what_its_policy_allows_and_nothing_else(cloud: Cloud) -> None:
    role = make_role(cloud, DEV, "reader", statement("Allow", "sns:ListTopics"))
    sns = acting(cloud, "sns", role)

    assert sns.list_topics()["Topics"] == []
    with pytest.raises(ClientError) as error:
        sns.create_topic(Name="alerts")

    assert denied(error) == (
        f"User: arn:aws:sts::{DEV}:assumed-role/reader/ana is not authorized to perform: "
        f"sns:CreateTopic on resource: arn:aws:sns:{REGION}:{DEV}:alerts because no "
        "identity-based policy allows the sns:CreateTopic action"
    )


def attach_scp(cloud: Cloud, *statements: Any) -> None:
    organizations = cloud.client("organizations", account=MANAGEMENT, region="us-east-1")
    made = organizations.create_policy(
        Name="guardrail",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=policy(*statements),
    )
    root_id = organizations.list_roots()["Roots"][0]["Id"]
    units = organizations.list_organizational_units_for_parent(ParentId=root_id)
    workloads = next(u for u in units["OrganizationalUnits"] if u["Name"] == "Workloads")
    organizations.attach_policy(
        PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=workloads["Id"]
    )


def test_a_service_control_policy_of_a_unit_binds_roles_and_the_root_below_it(
    cloud: Cloud,
) -> None:
    attach_scp(cloud, statement("Deny", "sns:CreateTopic", Sid="NoTopics"))
    role = make_role(cloud, DEV, "admin", statement("Allow", "*"))

    for sns in (acting(cloud, "sns", role), root(cloud, DEV, "sns")):
        with pytest.raises(ClientError) as error:
            sns.create_topic(Name="alerts")
        assert "with an explicit deny in a service control policy" in denied(error)

    assert root(cloud, SHARED, "sns").create_topic(Name="alerts")


def test_a_boundary_limits_what_a_policy_allows(cloud: Cloud) -> None:
    iam = cloud.client("iam", account=DEV)
    boundary = iam.create_policy(
        PolicyName="boundary", PolicyDocument=policy(statement("Allow", "sns:*"))
    )["Policy"]["Arn"]
    role = make_role(cloud, DEV, "bounded", statement("Allow", "*"), PermissionsBoundary=boundary)

    acting(cloud, "sns", role).create_topic(Name="alerts")
    with pytest.raises(ClientError) as error:
        acting(cloud, "sqs", role).create_queue(QueueName="q")

    assert "no permissions boundary allows the sqs:CreateQueue action" in denied(error)


def test_a_session_policy_limits_the_session(cloud: Cloud) -> None:
    role = make_role(cloud, DEV, "wide", statement("Allow", "*"))
    narrow = policy(statement("Allow", "sns:ListTopics"))

    sns = acting(cloud, "sns", role, Policy=narrow)

    sns.list_topics()
    with pytest.raises(ClientError) as error:
        sns.create_topic(Name="alerts")
    assert "no session policy allows" in denied(error)


def test_a_bucket_of_another_account_needs_both_sides(cloud: Cloud) -> None:
    s3 = cloud.client("s3", account=SHARED)
    s3.create_bucket(Bucket="artefacts", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="artefacts", Key="a/model", Body=b"weights")
    reader = make_role(cloud, PROD, "reader", statement("Allow", "s3:GetObject"))
    stranger = make_role(cloud, PROD, "stranger")

    with pytest.raises(ClientError) as before:
        acting(cloud, "s3", reader).get_object(Bucket="artefacts", Key="a/model")
    s3.put_bucket_policy(
        Bucket="artefacts",
        Policy=policy(
            statement(
                "Allow",
                "s3:GetObject",
                "arn:aws:s3:::artefacts/*",
                Principal="*",
                Condition={"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}},
            )
        ),
    )

    assert "no resource-based policy allows" in denied(before)
    answer = acting(cloud, "s3", reader).get_object(Bucket="artefacts", Key="a/model")
    assert answer["Body"].read() == b"weights"
    with pytest.raises(ClientError):
        acting(cloud, "s3", stranger).get_object(Bucket="artefacts", Key="a/model")


def test_a_denial_of_plain_http_does_not_lock_a_bucket(cloud: Cloud) -> None:
    s3 = root(cloud, DEV, "s3")
    s3.create_bucket(Bucket="safe", CreateBucketConfiguration={"LocationConstraint": REGION})
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    s3.put_bucket_policy(
        Bucket="safe",
        Policy=policy(
            statement("Deny", "s3:*", "arn:aws:s3:::safe/*", Principal="*", Condition=insecure)
        ),
    )

    s3.put_object(Bucket="safe", Key="k", Body=b"v")

    assert s3.get_object(Bucket="safe", Key="k")["Body"].read() == b"v"


def test_a_key_is_reached_through_its_policy_from_another_account(cloud: Cloud) -> None:
    user = make_role(cloud, PROD, "user", statement("Allow", "kms:DescribeKey"))
    stranger = make_role(cloud, PROD, "stranger", statement("Allow", "kms:DescribeKey"))
    document = policy(
        statement("Allow", "kms:*", Principal={"AWS": f"arn:aws:iam::{SHARED}:root"}),
        statement("Allow", "kms:DescribeKey", Principal={"AWS": user}),
    )
    key = cloud.client("kms", account=SHARED).create_key(Policy=document)["KeyMetadata"]["Arn"]

    described = acting(cloud, "kms", user).describe_key(KeyId=key)["KeyMetadata"]

    assert described["AWSAccountId"] == SHARED
    with pytest.raises(ClientError) as error:
        acting(cloud, "kms", stranger).describe_key(KeyId=key)
    assert "no resource-based policy allows" in denied(error)


def test_passing_a_role_is_a_right_of_its_own(cloud: Cloud) -> None:
    service = statement("Allow", "sts:AssumeRole", Principal={"Service": "sagemaker.amazonaws.com"})
    del service["Resource"]
    execution = make_role(cloud, DEV, "execution", trusts=policy(service))
    passed = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    author = make_role(
        cloud,
        DEV,
        "author",
        statement("Allow", "sagemaker:CreateModel"),
        statement("Allow", "iam:PassRole", execution, Condition=passed),
    )
    other = make_role(cloud, DEV, "other")
    container = {"Image": f"{DEV}.dkr.ecr.{REGION}.amazonaws.com/tabular:1"}
    sagemaker = acting(cloud, "sagemaker", author)

    sagemaker.create_model(ModelName="ok", ExecutionRoleArn=execution, PrimaryContainer=container)
    with pytest.raises(ClientError) as error:
        sagemaker.create_model(ModelName="bad", ExecutionRoleArn=other, PrimaryContainer=container)

    assert f"is not authorized to perform: iam:PassRole on resource: {other}" in denied(error)


def test_a_role_is_passed_also_to_delete_a_stack(cloud: Cloud) -> None:
    stronger = make_role(cloud, DEV, "stronger")
    deleter = make_role(cloud, DEV, "deleter", statement("Allow", "cloudformation:*", "*"))

    with pytest.raises(ClientError) as error:
        acting(cloud, "cloudformation", deleter).delete_stack(StackName="any", RoleARN=stronger)

    assert f"is not authorized to perform: iam:PassRole on resource: {stronger}" in denied(error)


def test_tags_of_session_and_resource_isolate_teams(cloud: Cloud) -> None:
    own = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    role = make_role(cloud, DEV, "team-member", statement("Allow", "sns:Publish", Condition=own))
    sns = cloud.client("sns", account=DEV)
    tag = [{"Key": "team", "Value": "credit"}]
    ours = sns.create_topic(Name="ours", Tags=tag)["TopicArn"]
    theirs = sns.create_topic(Name="theirs", Tags=[{"Key": "team", "Value": "fraud"}])["TopicArn"]
    member = acting(cloud, "sns", role, Tags=tag)

    member.publish(TopicArn=ours, Message="hello")

    with pytest.raises(ClientError) as error:
        member.publish(TopicArn=theirs, Message="hello")
    assert denied(error)


def test_the_author_of_a_model_version_cannot_approve_it(cloud: Cloud) -> None:
    sagemaker = cloud.client("sagemaker", account=SHARED)
    sagemaker.create_model_package_group(ModelPackageGroupName="scoring")
    package = sagemaker.create_model_package(
        ModelPackageGroupName="scoring",
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties={"author": "ana"},
        InferenceSpecification={
            "Containers": [{"Image": f"{SHARED}.dkr.ecr.{REGION}.amazonaws.com/tabular:1"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    own = "sagemaker:CurrentCustomerMetadataProperties/author"
    approver = make_role(
        cloud,
        SHARED,
        "approver",
        statement("Allow", ["sagemaker:UpdateModelPackage", "sts:SetSourceIdentity"]),
        statement(
            "Deny",
            "sagemaker:UpdateModelPackage",
            Sid="FourEyes",
            Condition={
                "StringEquals": {
                    own: "${aws:SourceIdentity}",
                    "sagemaker:ModelApprovalStatus": "Approved",
                }
            },
        ),
        trusts=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": f"arn:aws:iam::{SHARED}:root"},
                        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                    }
                ],
            }
        ),
    )
    author = acting(cloud, "sagemaker", approver, SourceIdentity="ana")
    colleague = acting(cloud, "sagemaker", approver, SourceIdentity="bruno")

    with pytest.raises(ClientError) as error:
        author.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    colleague.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")

    assert "with an explicit deny in an identity-based policy" in denied(error)


@pytest.mark.parametrize(
    ("parameters", "allowed"),
    [
        ({"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}, True),
        ({"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}, False),
    ],
)
def test_instance_types_are_taken_from_the_request(
    cloud: Cloud, parameters: dict[str, Any], allowed: bool
) -> None:
    service = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    execution = make_role(cloud, DEV, "execution", trusts=policy(service))
    role = make_role(
        cloud,
        DEV,
        "author",
        statement("Allow", "*"),
        statement(
            "Deny",
            "sagemaker:CreateProcessingJob",
            Condition={"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": "ml.m5.*"}},
        ),
    )
    sagemaker = acting(cloud, "sagemaker", role)

    def create() -> None:
        sagemaker.create_processing_job(
            ProcessingJobName="job",
            RoleArn=execution,
            AppSpecification={"ImageUri": f"{DEV}.dkr.ecr.{REGION}.amazonaws.com/tabular:1"},
            ProcessingResources={"ClusterConfig": parameters},
        )

    if allowed:
        create()
    else:
        with pytest.raises(ClientError) as error:
            create()
        assert "explicit deny" in denied(error)


def test_metrics_are_put_into_the_namespace_that_a_policy_names(cloud: Cloud) -> None:
    role = make_role(
        cloud,
        DEV,
        "publisher",
        statement(
            "Allow",
            "cloudwatch:PutMetricData",
            Condition={"StringEquals": {"cloudwatch:namespace": "Ours"}},
        ),
    )
    cloudwatch = client_with(cloud, "cloudwatch", assume(cloud, role))
    data = [{"MetricName": "Runs", "Value": 1}]

    cloudwatch.put_metric_data(Namespace="Ours", MetricData=data)
    with pytest.raises(ClientError, match="cloudwatch:PutMetricData"):
        cloudwatch.put_metric_data(Namespace="Theirs", MetricData=data)


def test_deleting_a_role_ends_what_its_sessions_may_do(cloud: Cloud) -> None:
    role = make_role(cloud, DEV, "gone", statement("Allow", "sns:*"))
    sns = acting(cloud, "sns", role)
    sns.list_topics()
    iam = cloud.client("iam", account=DEV)

    iam.delete_role_policy(RoleName="gone", PolicyName="p")
    iam.delete_role(RoleName="gone")

    with pytest.raises(ClientError) as error:
        sns.list_topics()
    assert denied(error)


def test_a_statement_about_a_network_reaches_the_groups_of_that_network_alone(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2", account=DEV)
    own, other = (
        ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"] for block in ("10.9.0.0/24", "10.9.1.0/24")
    )

    def default_group(network: str) -> str:
        named = [{"Name": "vpc-id", "Values": [network]}]
        group: str = ec2.describe_security_groups(Filters=named)["SecurityGroups"][0]["GroupId"]
        return group

    closer = make_role(
        cloud,
        DEV,
        "closer",
        statement(
            "Allow",
            "ec2:RevokeSecurityGroupEgress",
            f"arn:aws:ec2:{REGION}:{DEV}:security-group/*",
            Condition={"ArnEquals": {"ec2:Vpc": f"arn:aws:ec2:{REGION}:{DEV}:vpc/{own}"}},
        ),
    )
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]

    acting(cloud, "ec2", closer).revoke_security_group_egress(
        GroupId=default_group(own), IpPermissions=everything
    )
    with pytest.raises(ClientError) as error:
        acting(cloud, "ec2", closer).revoke_security_group_egress(
            GroupId=default_group(other), IpPermissions=everything
        )

    assert "ec2:RevokeSecurityGroupEgress" in denied(error)


def test_a_key_is_known_by_its_alias(cloud: Cloud) -> None:
    kms = cloud.client("kms", account=DEV)
    known, other = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    kms.create_alias(AliasName="alias/platform", TargetKeyId=known)
    role = make_role(
        cloud,
        DEV,
        "by-alias",
        statement(
            "Allow",
            "kms:DescribeKey",
            f"arn:aws:kms:{REGION}:{DEV}:key/*",
            Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/platform"}},
        ),
    )

    acting(cloud, "kms", role).describe_key(KeyId=known)
    with pytest.raises(ClientError):
        acting(cloud, "kms", role).describe_key(KeyId=other)
