"""The assembly as a whole: which stacks, deterministic, within quotas, without findings."""

import filecmp
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Templates = dict[str, dict[str, Any]]


def resources_of(templates: Templates, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every resource of a type as `stack/LogicalId`, without the id's hash."""
    for stack, template in templates.items():
        for logical_id, resource in template["Resources"].items():
            if resource["Type"] == kind:
                path = resource.get("Metadata", {}).get("aws:cdk:path", logical_id)
                yield path.removesuffix("/Resource") or stack, resource


def test_every_unit_environment_and_team_has_its_stacks(templates):
    assert {"aur-guardrails", "aur-platform"} <= set(templates)
    for unit in ("retail-banking", "corporate-banking", "insurance"):
        for stage in ("dev", "staging", "prod"):
            assert f"aur-{unit}-{stage}-foundation" in templates
    assert len([name for name in templates if "-team-" in name]) == 8 * 3


def test_a_selection_builds_only_what_it_names(synthesize, tmp_path: Path):
    result = synthesize(tmp_path, business_unit="insurance", environment="dev")

    assert result.returncode == 0, result.stderr[-2000:]
    names = sorted(path.name.split(".")[0] for path in tmp_path.glob("*.template.json"))
    assert names == [
        "aur-guardrails",
        "aur-insurance-dev-delivery-claims-duration",
        "aur-insurance-dev-delivery-claims-fraud",
        "aur-insurance-dev-delivery-lapse",
        "aur-insurance-dev-delivery-repeat-contact",
        "aur-insurance-dev-foundation",
        "aur-insurance-dev-team-claims",
        "aur-insurance-dev-team-pricing",
        "aur-insurance-dev-team-service-desk",
        "aur-insurance-registry",
        "aur-log-archive",
        "aur-platform",
    ]


def test_the_same_estate_gives_the_same_bytes(synthesize, assembly: Path, tmp_path: Path):
    synthesize(tmp_path)

    names = sorted(str(path.relative_to(assembly)) for path in assembly.rglob("*.json"))
    _, differing, missing = filecmp.cmpfiles(assembly, tmp_path, names, shallow=False)
    assert differing == []
    assert missing == []


def test_nothing_is_looked_up(assembly: Path):
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))

    assert manifest.get("missing", []) == []


def test_no_finding_is_open(assembly: Path):
    report = json.loads((assembly / "validation-report.json").read_text(encoding="utf-8"))

    conclusions = {item["pluginName"]: item["conclusion"] for item in report["pluginReports"]}
    assert conclusions["AwsSolutions"] == "success"
    assert set(conclusions.values()) == {"success"}


def test_stacks_stay_within_our_limits(templates):
    for name, template in templates.items():
        text = json.dumps(template)
        assert len(template["Resources"]) < 450, name
        assert len(text) < 900_000, name
        assert text.count("{{resolve:") < 60, name


def test_no_stack_exports_a_value_to_another(templates):
    for name, template in templates.items():
        assert "Fn::ImportValue" not in json.dumps(template), name
        assert not any("Export" in item for item in template.get("Outputs", {}).values()), name


def test_IAM_01_every_role_carries_the_boundary(templates):
    for name, role in resources_of(templates, "AWS::IAM::Role"):
        assert "PermissionsBoundary" in role["Properties"], name
        assert role["Properties"]["Path"] == "/mlzone/", name


def test_IAM_02_nobody_is_a_user(templates):
    assert list(resources_of(templates, "AWS::IAM::User")) == []
    assert list(resources_of(templates, "AWS::IAM::AccessKey")) == []


def test_IAM_03_no_role_has_an_aws_managed_policy(templates):
    for name, role in resources_of(templates, "AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in role["Properties"], name


def test_IAM_05_services_assume_roles_for_their_own_account_alone(templates):
    for name, role in resources_of(templates, "AWS::IAM::Role"):
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            if "Service" in statement.get("Principal", {}):
                condition = statement["Condition"]["StringEquals"]
                assert "aws:SourceAccount" in condition, name


def test_IAM_07_people_come_with_their_name(templates):
    federated = [
        (name, role)
        for name, role in resources_of(templates, "AWS::IAM::Role")
        if "Federated" in json.dumps(role["Properties"]["AssumeRolePolicyDocument"])
    ]
    assert federated
    for name, role in federated:
        statements = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        denies = [item for item in statements if item["Effect"] == "Deny"]
        assert denies[0]["Condition"]["Null"] == {"sts:SourceIdentity": "true"}, name


def test_ENC_01_every_bucket_is_private_encrypted_and_versioned(templates):
    for name, bucket in resources_of(templates, "AWS::S3::Bucket"):
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}, name
        rule = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        algorithm = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        receives_access_logs = "-logs-" in properties["BucketName"]
        assert algorithm == ("AES256" if receives_access_logs else "aws:kms"), name


def test_ENC_01_every_bucket_refuses_plain_http(templates):
    policies = {
        json.dumps(policy["Properties"]["Bucket"]): json.dumps(policy)
        for _, policy in resources_of(templates, "AWS::S3::BucketPolicy")
    }
    assert len([1 for text in policies.values() if "aws:SecureTransport" in text]) == len(policies)


def test_ENC_03_every_key_rotates(templates):
    for name, key in resources_of(templates, "AWS::KMS::Key"):
        assert key["Properties"]["EnableKeyRotation"] is True, name


def test_NET_01_studio_is_private(templates):
    domains = list(resources_of(templates, "AWS::SageMaker::Domain"))
    assert len(domains) == 8
    for name, domain in domains:
        assert domain["Properties"]["AppNetworkAccessType"] == "VpcOnly", name
        assert domain["Properties"]["AuthMode"] == "SSO", name


def test_NET_05_there_is_no_way_to_the_internet(templates):
    for kind in ("InternetGateway", "NatGateway", "EIP", "EgressOnlyInternetGateway"):
        assert list(resources_of(templates, f"AWS::EC2::{kind}")) == []
    for name, subnet in resources_of(templates, "AWS::EC2::Subnet"):
        assert subnet["Properties"]["MapPublicIpOnLaunch"] is False, name


def test_NET_06_workloads_reach_endpoints_and_each_other_alone(templates):
    for name, group in resources_of(templates, "AWS::EC2::SecurityGroup"):
        assert [rule["CidrIp"] for rule in group["Properties"]["SecurityGroupEgress"]] == [
            "255.255.255.255/32"
        ], name
    for name, rule in resources_of(templates, "AWS::EC2::SecurityGroupEgress"):
        assert "CidrIp" not in rule["Properties"], name


def test_NET_07_endpoints_serve_the_organization_alone(templates):
    for name, endpoint in resources_of(templates, "AWS::EC2::VPCEndpoint"):
        properties = endpoint["Properties"]
        ours, *others = properties["PolicyDocument"]["Statement"]
        assert ours["Condition"]["StringEquals"] == {"aws:PrincipalOrgID": "o-aurora1234"}, name
        layers = [statement["Sid"] for statement in others]
        assert layers == (["LayersOfImages"] if properties["ServiceName"].endswith(".s3") else [])


def test_NET_07_workloads_reach_every_service_through_an_endpoint_of_their_own_network(templates):
    for name, endpoint in resources_of(templates, "AWS::EC2::VPCEndpoint"):
        assert endpoint["Properties"]["VpcEndpointType"] == "Interface", name
        assert endpoint["Properties"]["PrivateDnsEnabled"] is True, name
    services = {
        endpoint["Properties"]["ServiceName"]
        for _, endpoint in resources_of(templates, "AWS::EC2::VPCEndpoint")
    }
    assert {"com.amazonaws.sa-east-1.s3", "aws.sagemaker.sa-east-1.studio"} <= services


def test_NET_08_all_traffic_is_logged_into_the_log_archive(templates):
    logs = [item["Properties"] for _, item in resources_of(templates, "AWS::EC2::FlowLog")]

    assert len(logs) == 9
    assert {item["TrafficType"] for item in logs} == {"ALL"}
    assert {item["LogDestination"] for item in logs} == {
        "arn:aws:s3:::aur-log-archive-100000000003"
    }


def test_DAT_01_every_zone_says_whose_and_why(templates):
    databases = list(resources_of(templates, "AWS::Glue::Database"))
    assert len(databases) == 8 * 3
    for name, database in databases:
        parameters = database["Properties"]["DatabaseInput"]["Parameters"]
        assert {"owner", "classification", "legal-basis", "retention-days"} <= set(parameters), name


def test_DAT_05_what_holds_state_outlives_its_stack(templates):
    for kind in ("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SageMaker::Domain",
                 "AWS::SageMaker::ModelPackageGroup", "AWS::DynamoDB::Table",
                 "AWS::ECR::Repository", "AWS::Logs::LogGroup"):  # fmt: skip
        for name, resource in resources_of(templates, kind):
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
            assert resource["UpdateReplacePolicy"] == "Retain", name


def test_DAT_05_the_evidence_vault_is_locked_for_the_longest_tier(templates):
    (vault,) = [
        bucket["Properties"]
        for _, bucket in resources_of(templates, "AWS::S3::Bucket")
        if "evidence" in bucket["Properties"].get("BucketName", "")
    ]
    retention = vault["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]

    assert retention == {"Days": 3650, "Mode": "COMPLIANCE"}


def test_MOD_01_there_is_one_registry_with_a_group_per_model(templates):
    groups = {
        stack: len(list(resources_of({stack: template}, "AWS::SageMaker::ModelPackageGroup")))
        for stack, template in templates.items()
    }

    assert {stack: count for stack, count in groups.items() if count} == {
        "aur-corporate-banking-registry": 3,
        "aur-insurance-registry": 4,
        "aur-retail-banking-registry": 3,
    }


def test_MOD_02_only_the_units_own_pipelines_register(templates):
    for name, group in resources_of(templates, "AWS::SageMaker::ModelPackageGroup"):
        statements = group["Properties"]["ModelPackageGroupPolicy"]["Statement"]
        register = [item for item in statements if item["Sid"] == "Register"]
        assert register[0]["Condition"]["ArnLike"]["aws:PrincipalArn"].endswith("-dev-pipeline"), (
            name
        )
        for statement in statements:
            assert "sagemaker:UpdateModelPackage" not in statement["Action"], name


def test_LOG_01_every_environment_has_a_validated_encrypted_trail_in_the_log_archive(templates):
    trails = list(resources_of(templates, "AWS::CloudTrail::Trail"))
    assert len(trails) == 9
    for name, trail in trails:
        properties = trail["Properties"]
        assert properties["EnableLogFileValidation"] is True, name
        assert properties["KMSKeyId"].endswith(":100000000003:alias/aur-log-archive"), name
        assert properties["S3BucketName"] == "aur-log-archive-100000000003", name
        kinds = {
            value
            for selector in properties["AdvancedEventSelectors"]
            for field in selector["FieldSelectors"]
            if field["Field"] == "resources.type"
            for value in field["Equals"]
        }
        assert kinds == {"AWS::S3::Object", "AWS::SageMaker::FeatureGroup"}, name


def test_LOG_01_nobody_changes_the_log_archive_and_only_our_accounts_log_into_it(templates):
    template = {"aur-log-archive": templates["aur-log-archive"]}
    archive = next(
        item["Properties"]
        for _, item in resources_of(template, "AWS::S3::Bucket")
        if item["Properties"]["BucketName"] == "aur-log-archive-100000000003"
    )
    policies = [
        statement
        for _, item in resources_of(template, "AWS::S3::BucketPolicy")
        for statement in item["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and "s3:PutObject" in statement["Action"]
        if statement["Sid"] != "AccessLogs"
    ]

    retention = archive["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert retention == {"Mode": "COMPLIANCE", "Days": 3650}
    folders = {
        item["Principal"]["Service"]: item["Resource"]["Fn::Join"][1][-1] for item in policies
    }
    assert folders == {
        "cloudtrail.amazonaws.com": "/AWSLogs/*/*",
        "config.amazonaws.com": "/AWSLogs/*/Config/*",
        "delivery.logs.amazonaws.com": "/AWSLogs/*/vpcflowlogs/*",
    }
    for item in policies:
        assert len(item["Condition"]["StringEquals"]["aws:SourceAccount"]) == 9, item["Sid"]


def test_people_have_their_roles_in_every_place_of_their_persona(templates):
    roles = {
        (stack, item["Properties"]["RoleName"])
        for stack in (
            "aur-guardrails",
            "aur-log-archive",
            "aur-platform",
            "aur-corporate-banking-registry",
            "aur-insurance-registry",
            "aur-retail-banking-registry",
        )
        for _, item in resources_of({stack: templates[stack]}, "AWS::IAM::Role")
        if "SAML:aud" in json.dumps(item)
    }

    assert roles == {
        ("aur-guardrails", "aur-auditor"),
        ("aur-guardrails", "aur-finops"),
        ("aur-log-archive", "aur-auditor"),
        ("aur-platform", "aur-auditor"),
        ("aur-platform", "aur-platform-admin"),
        ("aur-corporate-banking-registry", "aur-corporate-banking-model-approver"),
        ("aur-insurance-registry", "aur-insurance-model-approver"),
        ("aur-retail-banking-registry", "aur-retail-banking-model-approver"),
    }


def test_GOV_01_everything_that_can_be_tagged_says_whose_it_is(templates):
    for name, bucket in resources_of(templates, "AWS::S3::Bucket"):
        keys = {tag["Key"] for tag in bucket["Properties"]["Tags"]}
        assert {"mlz:owner", "mlz:environment", "mlz:cost-center", "mlz:managed-by"} <= keys, name


def test_MOD_02_pipelines_of_a_team_register_but_neither_approve_nor_deploy(templates):
    pipelines = [
        (stack, resource["Properties"])
        for stack, template in templates.items()
        if "-team-" in stack
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Policy" and "PipelineRole" in json.dumps(resource)
    ]
    assert len(pipelines) == 8
    for stack, policy in pipelines:
        actions = {
            action
            for statement in policy["PolicyDocument"]["Statement"]
            for action in (
                [statement["Action"]]
                if isinstance(statement["Action"], str)
                else statement["Action"]
            )
        }
        assert "sagemaker:CreateModelPackage" in actions, stack
        assert "sagemaker:UpdateModelPackage" not in actions, stack
        assert not any("Endpoint" in action for action in actions), stack


def test_IAM_04_a_machine_passes_its_own_role_to_sagemaker_alone(templates):
    passing = [
        statement
        for _, policy in resources_of(templates, "AWS::IAM::Policy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "iam:PassRole" in statement["Action"]
    ]
    assert passing
    for statement in passing:
        # What starts monitors passes their role, of its own stack; pipelines pass themselves.
        if statement["Sid"] == "PassMonitorRole":
            assert "Fn::GetAtt" in statement["Resource"]
        else:
            assert json.dumps(statement["Resource"]).endswith('-pipeline"')
        assert statement["Condition"] == {
            "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
        }


def test_NET_06_the_default_security_group_of_every_network_is_closed(templates):
    networks = len(list(resources_of(templates, "AWS::EC2::VPC")))
    closed = list(resources_of(templates, "Custom::ClosedDefaultGroup"))
    assert len(closed) == networks == 9
    for name, resource in closed:
        assert "Ref" in resource["Properties"]["VpcId"], name


def test_NET_06_an_imported_network_gets_a_workload_group_of_its_own(synthesize, tmp_path: Path):
    # The sample has no waivers: its findings stay open, and its templates are written all the same.
    synthesize(tmp_path, estate="organization/samples/complete.yaml")
    templates = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in tmp_path.glob("*foundation.template.json")
    }
    imported = next(
        template
        for template in templates.values()
        if not list(resources_of({"": template}, "AWS::EC2::VPC"))
    )
    groups = dict(resources_of({"": imported}, "AWS::EC2::SecurityGroup"))
    parameter = next(
        resource["Properties"]["Value"]
        for _, resource in resources_of({"": imported}, "AWS::SSM::Parameter")
        if resource["Properties"]["Name"].endswith("workload-security-group-id")
    )
    assert len(groups) == 1
    assert list(parameter) == ["Fn::GetAtt"] or list(parameter) == ["Ref"]


def test_detective_controls_watch_every_environment(templates):
    rules = [
        rule["Properties"]["Source"]["SourceIdentifier"]
        for _, rule in resources_of(templates, "AWS::Config::ConfigRule")
    ]
    assert rules.count("VPC_DEFAULT_SECURITY_GROUP_CLOSED") == 9
    assert rules.count("SAGEMAKER_ENDPOINT_CONFIG_PROD_INSTANCE_COUNT") == 3
    assert len(list(resources_of(templates, "AWS::Config::ConfigurationRecorder"))) == 9


def test_a_team_shares_a_space_and_hears_of_unusual_cost(templates):
    assert len(list(resources_of(templates, "AWS::SageMaker::Space"))) == 8
    for name, report in resources_of(templates, "AWS::CE::AnomalySubscription"):
        people = {item["Address"] for item in report["Properties"]["Subscribers"]}
        assert people, name
        assert all(address.endswith("@bancoaurora.example") for address in people), name
