"""What each `mlzone model` command prints with `--json`; see `shapes`."""

from typing import Any

VERSION = {
    "model": "<unit/model>",
    "version": "<number>",
    "arn": "<ARN of the model package>",
    "status": "<PendingManualApproval, Approved or Rejected>",
    "stage": "<life-cycle stage, or empty>",
    "author": "<person>",
    "decided_by": "<person, or empty>",
    "validation": "<person, hash and name of the report, or empty>",
    "waits_for": "<validation, approval or production, or empty>",
    "created": "<time>",
    "metadata": {"<name>": "<text: commit, hashes, metrics>"},
}
_PLACE = {
    "name": "<staging or prod>",
    "version": "<number, or null>",
    "release": "<release, or empty>",
    "endpoint": "<name of the endpoint, or of the schedule of daily batches>",
    "status": "<the endpoint's status, Scheduled, or empty>",
    "stopped": "<who stopped the model and why, or empty>",
}
_RUN = {
    "pipeline": "<name>",
    "execution": "<id>",
    "status": "<CodePipeline's status>",
    "started": "<time>",
    "actions": [
        {"stage": "<name>", "name": "<name>", "status": "<status>", "summary": "<text>"},
    ],
}
_DECISION = {
    "arn": "<ARN>",
    "status": "<Approved or Rejected>",
    "person": "<person>",
    "reason": "<text>",
    "validation": "<person, hash and name of the report, or empty>",
}

_PROPOSAL = {
    "number": "<CodeCommit's number of the pull request>",
    "title": "<text>",
    "author": "<person>",
    "branch": "<name>",
    "commit": "<what is proposed now>",
    "status": "<open, merged or closed>",
    "tests": "<waiting, running, passed, failed, stopped, timed out, broken or none>",
    "build": "<CodeBuild's id of the tests, or empty>",
}

MODEL_SHAPES: dict[str, Any] = {
    "model new": {"folder": "<path>", "files": ["<path in the folder>"]},
    "model update": {
        "folder": "<path>",
        "template": "<name>",
        "before": "<version of the template>",
        "after": "<version of the template>",
        "changed": ["<path in the folder>"],
        "conflicts": ["<path in the folder>"],
    },
    "model clone": {"folder": "<path>"},
    "model submit": "<commit: 40 hexadecimal digits; with --wait also run, as in model show>",
    "model list": [VERSION],
    "model show --lineage": {
        "version": VERSION,
        "data": {"sha256": "<SHA-256>", "uri": "<S3 URI, or empty>", "zone": "<data zone>"},
        "run": {
            "execution": "<ARN of the pipeline execution>",
            "status": "<status>",
            "commit": "<commit>",
            "author": "<person>",
            "trigger": "<commit, tag, drift or manual>",
            "mlflow_run": "<id of its run in the team's MLflow App, or empty>",
            "mlflow_app": "<ARN of the app, or empty>",
            "jobs": [
                {
                    "step": "<name>",
                    "status": "<status>",
                    "job": "<name, or empty>",
                    "image": "<URI by digest, or empty>",
                }
            ],
        },
        "environments": [_PLACE],
    },
    "model show": {
        "version": VERSION,
        "registry": "<all of SageMaker's DescribeModelPackage>",
        "runs": [_RUN],
        "proposals": [_PROPOSAL],
    },
    "model propose": _PROPOSAL,
    "model proposals --log": ["<line>"],
    "model proposals": [_PROPOSAL],
    "model merge": _PROPOSAL,
    "model validate": {
        "arn": "<ARN>",
        "person": "<person>",
        "report": "<name>",
        "sha256": "<SHA-256 of the report>",
    },
    "model approve": _DECISION,
    "model reject": _DECISION,
    "model stop": {
        "model": "<unit/model>",
        "environment": "<staging or prod>",
        "release": "<the release that served>",
        "stopped": "<who stopped it and why>",
        "person": "<who asked>",
        "before": "<whether it was out of service already>",
    },
    "model backfill": [
        {
            "day": "<day>",
            "state": "<Completed, Failed, Stopped or NoInput>",
            "job": "<name of the transform job, or empty>",
            "new": "<whether it was started now>",
            "results": "<S3 URI of the answers, or empty>",
            "reason": "<why it failed, or empty>",
        }
    ],
    "model batches": [
        {
            "day": "<day>",
            "state": "<Completed, Failed, InProgress, Stopping or Stopped>",
            "release": "<the release that was asked>",
            "job": "<name of the transform job>",
            "began": "<time>",
            "results": "<S3 URI of the answers>",
            "reason": "<why it failed, or empty>",
        }
    ],
    "model start": {
        "pipeline": "<name>",
        "execution": "<id>",
        "needs_approval": "<whether an approver has to answer>",
    },
    "model rollback": {
        "rollback": {
            "model": "<unit/model>",
            "environment": "<staging or prod>",
            "pipeline": "<name>",
            "execution": "<id>",
            "back_to": "<id of the execution that deployed it before>",
        },
        "serving": _PLACE,
    },
    "model retry": {
        "retry": {
            "model": "<unit/model>",
            "environment": "<dev, staging or prod>",
            "pipeline": "<name>",
            "execution": "<id>",
            "stage": "<the stage that had failed>",
            "actions": ["<name>"],
        },
        "run": _RUN,
    },
    "model retire": [
        {
            "model": "<unit/model>",
            "version": "<number>",
            "arn": "<ARN>",
            "person": "<person>",
            "reason": "<text>",
            "before": "<whether it was out of use already>",
        }
    ],
    "model runs": [
        {
            "run": "<id>",
            "name": "<name>",
            "kind": "<build, reproduction or exploration>",
            "status": "<RUNNING, FINISHED, FAILED or KILLED>",
            "author": "<person>",
            "commit": "<commit, or empty>",
            "started": "<time>",
            "ended": "<time, or null>",
            "version": "<number of the version that it registered or ran again, or null>",
            "metrics": {"<name>": "<number>"},
            "parameters": {"<path in model.yaml>": "<text>"},
            "reason": "<why it failed or what differs, or empty>",
        }
    ],
    "model reproduce": {
        "model": "<unit/model>",
        "version": "<number>",
        "jobs": ["<name>"],
        "compared": "<number of figures and files>",
        "metrics": {"<name>": "<number>"},
        "differences": [
            {"name": "<figure or file>", "registered": "<value>", "reproduced": "<value>"}
        ],
    },
    "model promote": {
        "pipeline": "<name>",
        "action": "<stage/action>",
        "answer": "<approved or refused>",
        "person": "<person>",
    },
}
"""By command; `model show --lineage` is `model show` with that option."""
