"""Functions: their code runs, with their role's rights, within their limits."""

import base64
import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from tests.cloud.compute.conftest import (
    DEV,
    LOGS,
    PROD,
    REGION,
    Functions,
    make_queue,
    service_role,
    zipped,
)
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.state import Keeper


def test_a_handler_gets_its_event_and_context_and_its_answer_comes_back(
    functions: Functions,
) -> None:
    arn = functions.make(
        """
        import os

        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            return {
                "got": event,
                "name": context.function_name,
                "arn": context.invoked_function_arn,
                "memory": context.memory_limit_in_mb,
                "in_time": 0 < left <= 60000,
                "variable": os.environ["COLOUR"],
                "region": os.environ["AWS_REGION"],
            }
        """,
        Environment={"Variables": {"COLOUR": "red"}},
        MemorySize=256,
    )

    answer = functions.call({"a": [1, None]})

    assert answer == {
        "got": {"a": [1, None]},
        "name": "f",
        "arn": arn,
        "memory": "256",
        "in_time": True,
        "variable": "red",
        "region": REGION,
    }


def test_its_log_is_framed_as_lambda_frames_it(functions: Functions) -> None:
    functions.make(
        """
        import logging

        logging.getLogger().setLevel("INFO")

        def handler(event, context):
            print("printed")
            logging.info("logged %s", 1)
        """
    )

    answer = functions.client.invoke(FunctionName="f", LogType="Tail")

    start, printed, logged, end, report = functions.log()
    assert start.startswith("START RequestId: ")
    assert start.endswith("Version: $LATEST")
    assert printed == "printed"
    assert logged.startswith("[INFO]\t")
    assert logged.endswith("\tlogged 1")
    assert end.startswith("END RequestId: ")
    assert "Init Duration" in report
    assert "printed" in base64.b64decode(answer["LogResult"]).decode()


def test_it_logs_where_its_settings_say_in_json_if_asked(functions: Functions) -> None:
    functions.make(
        "import logging\ndef handler(event, context): logging.error('bad')",
        LoggingConfig={"LogGroup": "/models", "LogFormat": "JSON"},
    )

    functions.call()

    lines = [json.loads(line) for line in functions.log("/models")]
    assert [line.get("level", line.get("type")) for line in lines] == [
        "platform.start",
        "ERROR",
        "platform.report",
    ]
    configuration = functions.client.get_function(FunctionName="f")["Configuration"]
    assert configuration["LoggingConfig"]["LogGroup"] == "/models"


def test_its_worker_stays_warm(functions: Functions) -> None:
    functions.make("count = 0\ndef handler(e, c):\n  global count\n  count += 1\n  return count")

    counts = [functions.call() for _ in range(3)]
    functions.client.update_function_configuration(
        FunctionName="f", Environment={"Variables": {"A": "1"}}
    )

    assert counts == [1, 2, 3]
    assert functions.call() == 1


def test_an_exception_is_described_as_lambda_does(functions: Functions) -> None:
    functions.make("def handler(event, context):\n    raise ValueError('boom')")

    error = functions.failure()

    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "boom")
    assert "raise ValueError('boom')" in error["stackTrace"][-1]
    assert any("[ERROR] ValueError: boom" in line for line in functions.log())


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("import nothing_there", "Runtime.ImportModuleError", "No module named 'nothing_there'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
        ("def handler(", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
        ("def handler(e, c): return {1, 2}", "Runtime.MarshalError", "not JSON serializable"),
        ("import os\ndef handler(e, c): os._exit(7)", "Runtime.ExitError", "exit status 7"),
        ("import os\nos._exit(7)", "Runtime.ExitError", "exit status 7"),
    ],
)
def test_code_that_cannot_run_says_why(
    functions: Functions, code: str, kind: str, message: str
) -> None:
    functions.make(code)

    error = functions.failure()

    assert error["errorType"] == kind
    assert message in error["errorMessage"]


def test_a_function_that_takes_too_long_is_ended(functions: Functions) -> None:
    functions.make("import time\ndef handler(e, c):\n  print('began')\n  time.sleep(60)", Timeout=1)

    error = functions.failure()

    assert error["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in error["errorMessage"]
    assert "began" in functions.log()


CALLER = """
    import boto3

    def handler(event, context):
        arn = boto3.client("sts").get_caller_identity()["Arn"]
        try:
            boto3.client("ssm").put_parameter(Name="/x", Value="1", Type="String")
            return [arn, "allowed"]
        except Exception as error:
            return [arn, error.response["Error"]["Code"]]
"""


def test_it_acts_as_its_role_and_is_denied_what_the_role_may_not(functions: Functions) -> None:
    may = {"Effect": "Allow", "Action": "ssm:PutParameter", "Resource": "*"}
    functions.make(CALLER, may, name="may")
    functions.make(CALLER, name="may-not")

    allowed, denied = functions.call(name="may"), functions.call(name="may-not")

    assert allowed == [f"arn:aws:sts::{DEV}:assumed-role/may-role/may", "allowed"]
    assert denied == [
        f"arn:aws:sts::{DEV}:assumed-role/may-not-role/may-not",
        "AccessDeniedException",
    ]


def test_a_role_that_does_not_trust_lambda_cannot_be_used(functions: Functions) -> None:
    functions.make("def handler(e, c): pass")
    other = service_role(functions.cloud, DEV, "other", "glue.amazonaws.com")
    functions.client.update_function_configuration(FunctionName="f", Role=other)

    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        functions.call()


def test_code_comes_from_s3_with_layers(functions: Functions) -> None:
    s3 = functions.cloud.client("s3", account=DEV)
    s3.create_bucket(Bucket="code-of-f", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(
        Bucket="code-of-f",
        Key="f.zip",
        Body=zipped("import shared\ndef handler(e, c): return shared.VALUE"),
    )
    layer = functions.client.publish_layer_version(
        LayerName="shared", Content={"ZipFile": zipped("", **{"python/shared": "VALUE = 7"})}
    )
    role = service_role(functions.cloud, DEV, "r", "lambda.amazonaws.com", LOGS)
    functions.client.create_function(
        FunctionName="f",
        Role=role,
        Runtime="python3.13",
        Handler="index.handler",
        Timeout=60,
        Code={"S3Bucket": "code-of-f", "S3Key": "f.zip"},
        Layers=[layer["LayerVersionArn"]],
    )

    assert functions.call() == 7


def test_a_version_stays_as_it_was_published(functions: Functions) -> None:
    functions.make("def handler(e, c): return c.function_version + ' old'")
    version = functions.client.publish_version(FunctionName="f")["Version"]
    functions.client.create_alias(FunctionName="f", Name="live", FunctionVersion=version)
    functions.client.update_function_code(
        FunctionName="f", ZipFile=zipped("def handler(e, c): return c.function_version + ' new'")
    )

    assert functions.call() == "$LATEST new"
    assert functions.call(Qualifier="live") == f"{version} old"


def test_a_role_of_another_account_may_invoke_if_the_functions_policy_says_so(
    functions: Functions,
) -> None:
    from tests.cloud.core.acting import assume, client_with, make_role, statement  # noqa: PLC0415

    cloud = functions.cloud
    arn = functions.make("def handler(e, c): return 'done'")
    role = make_role(cloud, PROD, "caller", statement("Allow", "lambda:InvokeFunction", arn))
    client = client_with(cloud, "lambda", assume(cloud, role))
    with pytest.raises(ClientError, match="not authorized"):
        client.invoke(FunctionName=arn)

    functions.client.add_permission(
        FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal=role
    )

    assert json.loads(client.invoke(FunctionName=arn)["Payload"].read()) == "done"


def test_a_dry_run_runs_nothing(functions: Functions) -> None:
    functions.make("def handler(e, c): raise RuntimeError")

    answer = functions.client.invoke(FunctionName="f", InvocationType="DryRun")

    assert answer["StatusCode"] == 204


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"FunctionName": "nobody"}, "ResourceNotFoundException"),
        ({"FunctionName": "f", "Payload": b"{"}, "InvalidRequestContentException"),
        (
            {"FunctionName": "f", "Payload": b"1" * 1100000, "InvocationType": "Event"},
            "RequestTooLargeException",
        ),
    ],
)
def test_a_bad_request_is_refused(
    functions: Functions, arguments: dict[str, str], code: str
) -> None:
    functions.make("def handler(e, c): pass")

    with pytest.raises(ClientError) as refusal:
        functions.client.invoke(**arguments)

    assert refusal.value.response["Error"]["Code"] == code


def test_other_runtimes_are_not_pretended(functions: Functions) -> None:
    functions.make("exports.handler = () => 1", Runtime="nodejs22.x")

    with pytest.raises(ClientError, match="runs Python functions only"):
        functions.call()


def test_a_function_without_concurrency_is_throttled(functions: Functions) -> None:
    functions.make("def handler(e, c): pass")
    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)

    with pytest.raises(ClientError, match="Rate Exceeded"):
        functions.call()


# --- events -------------------------------------------------------------------------------------

FAILS_TWICE = """
    import boto3

    def handler(event, context):
        ssm = boto3.client("ssm")
        count = int(ssm.get_parameter(Name="/count")["Parameter"]["Value"]) + 1
        ssm.put_parameter(Name="/count", Value=str(count), Type="String", Overwrite=True)
        if count <= event["failures"]:
            raise RuntimeError(f"attempt {count}")
        return "done"
"""
SSM = {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}
SEND = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}


def count(cloud: Cloud) -> int:
    ssm = cloud.client("ssm", account=DEV)
    return int(ssm.get_parameter(Name="/count")["Parameter"]["Value"])


def start_counting(cloud: Cloud) -> None:
    cloud.client("ssm", account=DEV).put_parameter(Name="/count", Value="0", Type="String")


def send(functions: Functions, event: object) -> None:
    answer = functions.client.invoke(
        FunctionName="f", InvocationType="Event", Payload=json.dumps(event)
    )
    assert answer["StatusCode"] == 202


def pending(cloud: Cloud) -> int:
    """How many events wait for another attempt, none of them under way."""
    return len(cloud.store("lambda.events")) if not cloud.background else 0


def test_an_event_that_fails_is_tried_again_after_one_and_two_minutes(
    functions: Functions,
) -> None:
    cloud = functions.cloud
    start_counting(cloud)
    functions.make(FAILS_TWICE, SSM)

    send(functions, {"failures": 2})
    eventually(lambda: pending(cloud), cloud=cloud)
    first = count(cloud)
    cloud.advance(timedelta(seconds=59))
    still = count(cloud)
    cloud.advance(timedelta(seconds=2))
    eventually(lambda: count(cloud) == 2, cloud=cloud)
    eventually(lambda: pending(cloud), cloud=cloud)
    cloud.advance(timedelta(seconds=121))
    eventually(lambda: count(cloud) == 3, cloud=cloud)

    assert (first, still) == (1, 1)
    eventually(lambda: not cloud.store("lambda.events"), cloud=cloud)
    assert not cloud.statistics.errors


def test_what_fails_to_the_end_goes_where_the_function_says(functions: Functions) -> None:
    cloud = functions.cloud
    start_counting(cloud)
    letters, failures = make_queue(cloud, "letters"), make_queue(cloud, "failures")
    arn = functions.make(FAILS_TWICE, SSM, SEND, DeadLetterConfig={"TargetArn": letters.arn})
    functions.client.put_function_event_invoke_config(
        FunctionName="f",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": failures.arn}},
    )

    send(functions, {"failures": 9})

    assert letters.wait() == [{"failures": 9}]
    record = failures.wait()[0]
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["functionArn"].startswith(arn)
    assert record["responsePayload"]["errorMessage"] == "attempt 1"
    assert count(cloud) == 1


def test_an_event_survives_a_restart(functions: Functions) -> None:
    cloud = functions.cloud
    Keeper(cloud).start()
    start_counting(cloud)
    functions.make(FAILS_TWICE, SSM)
    send(functions, {"failures": 1})
    eventually(lambda: pending(cloud), cloud=cloud)
    assert cloud.keeper
    cloud.keeper.stop()

    saved = Cloud(state_dir=cloud.state_dir, components=())
    keeper = Keeper(saved)
    keeper.load()

    (event,) = saved.store("lambda.events").values()
    assert event["attempts"] == 1
    assert event["event"] == {"failures": 1}
