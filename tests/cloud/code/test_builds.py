"""CodeBuild runs a buildspec's commands."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.code.conftest import (
    DEV,
    IMAGE,
    REGION,
    CodeBuild,
    failed_phase,
    make_role,
    service_trust,
    statement,
    unzipped,
    zipped,
)

MANIFEST = json.dumps(
    {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}
)


def spec(**phases: Any) -> str:
    return (
        json.dumps(
            {
                "version": "0.2",
                "phases": {name: {"commands": list(c)} for name, c in phases.items()},
            }
        )
        + "\n"
    )


def test_commands_run_in_order_and_their_output_is_logged(codebuild: CodeBuild) -> None:
    codebuild.project(spec(install=["echo one"], build=["echo two"], post_build=["echo three"]))

    build = codebuild.run()

    assert build["buildStatus"] == "SUCCEEDED"
    said = [line for line in codebuild.log(build) if not line.startswith("[Container]")]
    assert said == ["one", "two", "three"]
    assert [phase["phaseType"] for phase in build["phases"]] == [
        "SUBMITTED",
        "QUEUED",
        "PROVISIONING",
        "DOWNLOAD_SOURCE",
        "INSTALL",
        "PRE_BUILD",
        "BUILD",
        "POST_BUILD",
        "UPLOAD_ARTIFACTS",
        "FINALIZING",
        "COMPLETED",
    ]


def test_what_a_command_sets_stays_set_for_the_next(codebuild: CodeBuild) -> None:
    codebuild.project(
        spec(
            install=["PLAIN=plain", "export EXPORTED=exported", "mkdir sub && cd sub", "exit 0"],
            build=['greet() { echo "hello $1"; }', "basename $PWD", "greet $PLAIN-$EXPORTED"],
        )
    )

    build = codebuild.run()

    said = [line for line in codebuild.log(build) if not line.startswith("[Container]")]
    assert said == ["sub", "hello plain-exported"]


def test_a_build_has_a_home_of_its_own_and_shares_what_the_cdk_unpacks(
    codebuild: CodeBuild,
) -> None:
    codebuild.project(spec(build=['echo "$HOME,$JSII_RUNTIME_PACKAGE_CACHE_ROOT"']))

    logs = [codebuild.log(codebuild.run()) for _ in range(2)]

    said = [line for log in logs for line in log if not line.startswith("[Container]")]
    (one, its), (other, others) = (line.split(",") for line in said)
    assert one != other
    assert its == others
    assert Path(its).is_absolute()
    assert not its.startswith(one)


def test_a_failing_command_ends_its_phase_and_post_build_still_runs(codebuild: CodeBuild) -> None:
    codebuild.project(
        spec(
            build=["echo before", "echo the reason >&2; exit 3", "echo never"],
            post_build=["echo succeeding=$CODEBUILD_BUILD_SUCCEEDING"],
        )
    )

    build = codebuild.run()

    assert build["buildStatus"] == "FAILED"
    phase, why = failed_phase(build)
    assert phase == "BUILD"
    assert why == (
        "Error while executing command: echo the reason >&2; exit 3. Reason: exit status 3\n"
        "the reason"
    )
    log = codebuild.log(build)
    assert "succeeding=0" in log
    assert "never" not in log


def test_nothing_follows_a_failure_in_pre_build(codebuild: CodeBuild) -> None:
    codebuild.project(spec(pre_build=["false"], build=["echo b"], post_build=["echo p"]))

    build = codebuild.run()

    kinds = [phase["phaseType"] for phase in build["phases"]]
    assert kinds[-3:] == ["PRE_BUILD", "FINALIZING", "COMPLETED"]


def test_finally_runs_and_on_failure_decides_what_follows(codebuild: CodeBuild) -> None:
    codebuild.project(
        """
version: 0.2
phases:
  pre_build:
    on-failure: CONTINUE
    commands:
      - set -e; false; echo never
    finally:
      - echo tidied up
  build:
    on-failure: ABORT
    commands:
      - "false"
  post_build:
    commands:
      - echo not reached
"""
    )

    build = codebuild.run()

    assert build["buildStatus"] == "FAILED"
    statuses = {phase["phaseType"]: phase.get("phaseStatus") for phase in build["phases"]}
    assert statuses["PRE_BUILD"] == statuses["BUILD"] == "FAILED"
    assert "POST_BUILD" not in statuses
    assert "tidied up" in codebuild.log(build)


def test_variables_of_the_request_count_more_than_the_projects_and_the_buildspecs(
    codebuild: CodeBuild,
) -> None:
    role = codebuild.role(
        "reader",
        statement("Allow", "ssm:GetParameters", f"arn:aws:ssm:{REGION}:{DEV}:parameter/app/*"),
        statement("Allow", "secretsmanager:GetSecretValue"),
    )
    codebuild.client("ssm").put_parameter(Name="/app/level", Value="high", Type="String")
    codebuild.client("secretsmanager").create_secret(
        Name="db", SecretString=json.dumps({"user": "ana"})
    )
    codebuild.project(
        """
version: 0.2
env:
  variables: {A: buildspec, B: buildspec, C: buildspec}
  parameter-store: {LEVEL: /app/level}
  secrets-manager: {USER_NAME: "db:user"}
  exported-variables: [A, RESULT]
phases:
  build:
    commands:
      - echo $A $B $C $LEVEL $USER_NAME
      - RESULT="it works"
""",
        role=role,
        environment={
            "type": "LINUX_CONTAINER",
            "image": IMAGE,
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [
                {"name": "B", "value": "project"},
                {"name": "C", "value": "project"},
            ],
        },
    )

    build = codebuild.run(environmentVariablesOverride=[{"name": "C", "value": "request"}])

    assert build["buildStatus"] == "SUCCEEDED", failed_phase(build)
    assert "buildspec project request high ana" in codebuild.log(build)
    exported = {item["name"]: item["value"] for item in build["exportedEnvironmentVariables"]}
    assert exported == {"A": "buildspec", "RESULT": "it works"}


def test_a_parameter_that_the_service_role_may_not_read_fails_the_build(
    codebuild: CodeBuild,
) -> None:
    codebuild.client("ssm").put_parameter(Name="/app/level", Value="high", Type="String")
    codebuild.project(
        "version: 0.2\nenv: {parameter-store: {LEVEL: /app/level}}\n"
        "phases: {build: {commands: [env]}}\n"
    )

    build = codebuild.run()

    phase, why = failed_phase(build)
    assert phase == "DOWNLOAD_SOURCE"
    assert "not authorized to perform: ssm:GetParameters" in why


def test_commands_act_as_the_service_role(codebuild: CodeBuild) -> None:
    codebuild.project(
        spec(
            build=[
                "python -c 'import os; print(os.environ[\"AWS_ENDPOINT_URL\"])'",
                "echo $AWS_REGION",
                "echo ${AWS_ACCESS_KEY_ID:0:4} $CODEBUILD_BUILD_ID",
            ]
        )
    )

    build = codebuild.run()

    log = codebuild.log(build)
    assert codebuild.cloud.endpoint_url in log
    assert REGION in log
    assert f"ASIA {build['id']}" in log


def test_a_source_in_s3_becomes_an_artefact_in_s3(codebuild: CodeBuild) -> None:
    s3 = codebuild.client("s3")
    s3.create_bucket(Bucket="stuff", CreateBucketConfiguration={"LocationConstraint": REGION})
    buildspec = """
version: 0.2
phases: {build: {commands: ["mkdir -p out/deep", "tr a-z A-Z < in.txt > out/deep/out.txt"]}}
artifacts: {base-directory: out, files: ["**/*"]}
"""
    s3.put_object(
        Bucket="stuff", Key="src.zip", Body=zipped(buildspec__yml=buildspec, in__txt="abc")
    )
    role = codebuild.role("r", statement("Allow", ["s3:GetObject", "s3:PutObject"]))
    codebuild.project(
        "",
        role=role,
        source={"type": "S3", "location": "stuff/src.zip"},
        artifacts={"type": "S3", "location": "stuff", "name": "made.zip", "packaging": "ZIP"},
    )

    build = codebuild.run()

    assert build["buildStatus"] == "SUCCEEDED", failed_phase(build)
    assert build["artifacts"]["location"] == "arn:aws:s3:::stuff/made.zip"
    body = s3.get_object(Bucket="stuff", Key="made.zip")["Body"].read()
    assert unzipped(body) == {"deep/out.txt": "ABC"}


def test_an_artefact_that_no_file_matches_fails_the_upload(codebuild: CodeBuild) -> None:
    codebuild.client("s3").create_bucket(
        Bucket="stuff", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    codebuild.project(
        "version: 0.2\nphases: {build: {commands: ['true']}}\nartifacts: {files: [nothing.txt]}\n",
        artifacts={"type": "S3", "location": "stuff", "packaging": "ZIP"},
    )

    build = codebuild.run()

    assert failed_phase(build) == (
        "UPLOAD_ARTIFACTS",
        "no matching artifact paths found: nothing.txt",
    )


def test_a_commit_is_cloned_and_named(codebuild: CodeBuild) -> None:
    codecommit = codebuild.client("codecommit")
    codecommit.create_repository(repositoryName="model")
    text = b"version: 0.2\nphases: {build: {commands: [echo $CODEBUILD_RESOLVED_SOURCE_VERSION]}}\n"
    commit = codecommit.create_commit(
        repositoryName="model",
        branchName="main",
        putFiles=[{"filePath": "buildspec.yml", "fileContent": text}],
    )["commitId"]
    location = f"https://git-codecommit.{REGION}.amazonaws.com/v1/repos/model"
    role = codebuild.role("puller", statement("Allow", "codecommit:GitPull"))
    source = {"type": "CODECOMMIT", "location": location}
    codebuild.project("", role=role, source=source)
    codebuild.project("", name="p2", source=source)

    build = codebuild.run()
    refused = codebuild.run("p2")

    assert build["resolvedSourceVersion"] == commit
    assert commit in codebuild.log(build)
    phase, why = failed_phase(refused)
    assert phase == "DOWNLOAD_SOURCE"
    assert "not authorized to perform: codecommit:GitPull" in why


@pytest.mark.parametrize("known", [True, False])
def test_an_image_of_the_registry_must_exist(codebuild: CodeBuild, known: bool) -> None:
    ecr = codebuild.client("ecr")
    ecr.create_repository(repositoryName="build")
    if known:
        ecr.put_image(repositoryName="build", imageManifest=MANIFEST, imageTag="1")
    image = f"{DEV}.dkr.ecr.{REGION}.amazonaws.com/build:1"
    codebuild.project(spec(build=["true"]))

    build = codebuild.run(imageOverride=image)

    if known:
        assert build["buildStatus"] == "SUCCEEDED"
    else:
        phase, why = failed_phase(build)
        assert phase == "PROVISIONING"
        assert "Unable to pull customer's container image" in why
        assert image in why


def test_a_role_that_may_not_log_fails_the_build(codebuild: CodeBuild) -> None:
    role = make_role(codebuild.cloud, DEV, "mute", trusts=service_trust("codebuild.amazonaws.com"))
    codebuild.project(spec(build=["true"]), role=role)

    phase, why = failed_phase(codebuild.run())

    assert phase == "PROVISIONING"
    assert "does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams" in why


def test_a_role_that_does_not_trust_codebuild_is_refused(codebuild: CodeBuild) -> None:
    role = make_role(codebuild.cloud, DEV, "other")

    with pytest.raises(codebuild.client().exceptions.InvalidInputException, match="AssumeRole"):
        codebuild.project(spec(build=["true"]), role=role)


def test_builds_are_counted_in_the_metrics_of_their_project(codebuild: CodeBuild) -> None:
    codebuild.project(spec(build=['test "$WELL" = yes']))
    ends = [
        codebuild.run(environmentVariablesOverride=[{"name": "WELL", "value": value}])["endTime"]
        for value in ("yes", "no", "yes")
    ]

    def counted(metric: str) -> float:
        found = codebuild.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/CodeBuild",
            MetricName=metric,
            Dimensions=[{"Name": "ProjectName", "Value": "p1"}],
            StartTime=min(ends) - timedelta(minutes=1),
            EndTime=max(ends) + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(item["Sum"] for item in found)

    assert counted("Builds") == 3
    assert counted("SucceededBuilds") == 2
    assert counted("FailedBuilds") == 1


def test_a_stopped_build_ends_stopped_and_leaves_nothing_behind(
    codebuild: CodeBuild, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    codebuild.project(spec(build=[f"mktemp -d > {made}.part; mv {made}.part {made}; sleep 60"]))
    build_id = codebuild.start()
    codebuild.until(made.exists)
    folder = Path(made.read_text(encoding="utf-8").strip())
    assert folder.is_dir()

    codebuild.client().stop_build(id=build_id)

    assert codebuild.wait(build_id)["buildStatus"] == "STOPPED"
    assert not folder.exists()


def test_a_project_limits_how_many_of_its_builds_run(codebuild: CodeBuild) -> None:
    codebuild.project(
        spec(build=["while [ ! -f go ]; do sleep 0.05; done"]), concurrentBuildLimit=1
    )
    first, second = codebuild.start(), codebuild.start()
    codebuild.reach(first, "BUILD")

    waiting = codebuild.get(second)["currentPhase"]
    codebuild.client().stop_build(id=second)
    codebuild.client().stop_build(id=first)

    assert waiting == "QUEUED"
    assert codebuild.wait(second)["buildStatus"] == "STOPPED"
    assert codebuild.wait(first)["buildStatus"] == "STOPPED"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 0.1\n", "unknown buildspec version: 0.1; use 0.2"),
        ("version: 0.2\nphase: {}\n", "unknown sections in the buildspec: phase"),
        (
            "version: 0.2\nphases: {build: {commands: [{a: b}]}}\n",
            "Expected phases.build.commands[0] to be of string type: found subkeys instead",
        ),
        ("version: 0.2\nphases: {test: {commands: [a]}}\n", "invalid phase name: test"),
    ],
)
def test_a_wrong_buildspec_is_told(codebuild: CodeBuild, text: str, expected: str) -> None:
    codebuild.project(text)

    assert failed_phase(codebuild.run()) == ("DOWNLOAD_SOURCE", expected)


def test_a_project_is_described_updated_and_deleted(codebuild: CodeBuild) -> None:
    codebuild.project(spec(build=["true"]), tags=[{"key": "team", "value": "fraud"}])
    client = codebuild.client()

    client.update_project(name="p1", description="new", timeoutInMinutes=5)

    project = client.batch_get_projects(names=["p1", "p2"])
    described = project["projects"][0]
    assert project["projectsNotFound"] == ["p2"]
    assert (described["description"], described["timeoutInMinutes"]) == ("new", 5)
    assert described["tags"] == [{"key": "team", "value": "fraud"}]
    client.delete_project(name="p1")
    assert client.list_projects()["projects"] == []
