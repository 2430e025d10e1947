"""Model Monitor's job definitions: four kinds, alike but for the names of their parts."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import ApiError, NotEmulatedError
from mlzone_cloud.generic import paging
from mlzone_cloud.generic.crud import ARN
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.listing import in_order, select

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Record = dict[str, Any]
_NAME = "JobDefinitionName"


@dataclass(frozen=True, kw_only=True)
class MonitorKind:
    """A kind of monitor, and what its job definition calls its parts."""

    name: str
    """Such as `DataQuality`, as `MonitoringType` has it."""

    @property
    def noun(self) -> str:
        """What SageMaker calls its definition."""
        return f"{self.name}JobDefinition"

    @property
    def application(self) -> str:
        """The part that names image and environment."""
        return f"{self.name}AppSpecification"

    @property
    def baseline(self) -> str:
        """The part that says what to compare with."""
        return f"{self.name}BaselineConfig"

    @property
    def input(self) -> str:
        """The part that says what to look at."""
        return f"{self.name}JobInput"

    @property
    def output(self) -> str:
        """The part that says where reports go."""
        return f"{self.name}JobOutputConfig"


KINDS = {
    name: MonitorKind(name=name)
    for name in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
}
"""By `MonitoringType`."""


def find(cloud: "Cloud", kind: MonitorKind, account: str, region: str, name: str) -> Record:
    """Return a definition's record.

    Raises:
        ApiError: there is none.
    """
    record = records.store(cloud, kind.noun, account, region).get(name)
    if record is None:
        raise ApiError("ResourceNotFound", f"Job definition {name} does not exist.")
    return record


def refuse_unknown_input(given: dict[str, Any]) -> None:
    """Refuse monitors of batch transforms and scripts of their own, which are not emulated.

    Raises:
        NotEmulatedError: one of them is asked for.
    """
    text = str(given)
    for name in (
        "BatchTransformInput",
        "RecordPreprocessorSourceUri",
        "PostAnalyticsProcessorSourceUri",
    ):
        if f"'{name}'" in text:
            raise NotEmulatedError("sagemaker", f"monitors with {name}")


def _creator(kind: MonitorKind) -> Callable[[Call], dict[str, Any]]:
    def create(call: Call) -> dict[str, Any]:
        """Keep a definition; it is never changed."""
        validate(call.service, call.operation, call.params)
        refuse_unknown_input(call.params)
        name = call.params[_NAME]
        store = records.store(call.cloud, kind.noun, call.account, call.region)
        if name in store:
            raise ApiError("ResourceInUse", f"Job definition {name} already exists.")
        arn = records.arn_of(kind.noun, call.account, call.region, name)
        store[name] = {
            "Tags": [],
            **copy.deepcopy(call.params),
            ARN: arn,
            "JobDefinitionArn": arn,
            "CreationTime": call.cloud.clock.now(),
        }
        return {"JobDefinitionArn": arn}

    return create


def _describer(kind: MonitorKind) -> Callable[[Call], dict[str, Any]]:
    def describe(call: Call) -> dict[str, Any]:
        """Describe a definition."""
        record = find(call.cloud, kind, call.account, call.region, call.params[_NAME])
        return records.shown(call.operation, record)

    return describe


def _deleter(kind: MonitorKind) -> Callable[[Call], dict[str, Any]]:
    def delete(call: Call) -> dict[str, Any]:
        """Delete a definition."""
        find(call.cloud, kind, call.account, call.region, call.params[_NAME])
        del records.store(call.cloud, kind.noun, call.account, call.region)[call.params[_NAME]]
        return {}

    return delete


def _lister(kind: MonitorKind) -> Callable[[Call], dict[str, Any]]:
    def list_definitions(call: Call) -> dict[str, Any]:
        """List definitions, newest first unless asked otherwise."""
        params = call.params
        wanted = params.get("EndpointName")
        found = [
            record
            for record in records.store(call.cloud, kind.noun, call.account, call.region).values()
            if wanted in (None, _endpoint(kind, record))
        ]
        found = in_order(select(found, params, _NAME), params, _NAME, default="Descending")
        page, token = paging.cut(found, params)
        summaries = [
            {
                "MonitoringJobDefinitionName": item[_NAME],
                "MonitoringJobDefinitionArn": item[ARN],
                "CreationTime": item["CreationTime"],
                "EndpointName": _endpoint(kind, item),
            }
            for item in page
        ]
        return {"JobDefinitionSummaries": summaries} | ({"NextToken": token} if token else {})

    return list_definitions


def _endpoint(kind: MonitorKind, record: Record) -> str:
    return str((record[kind.input].get("EndpointInput") or {}).get("EndpointName", ""))


for _kind in KINDS.values():
    operation("sagemaker", f"Create{_kind.noun}")(_creator(_kind))
    operation("sagemaker", f"Describe{_kind.noun}")(_describer(_kind))
    operation("sagemaker", f"Delete{_kind.noun}")(_deleter(_kind))
    operation("sagemaker", f"List{_kind.noun}s")(_lister(_kind))
