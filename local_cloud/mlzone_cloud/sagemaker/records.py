"""Records of SageMaker's resources: how they are kept, named, shown and listed."""

import copy
import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlzone_cloud import wire
from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic import paging
from mlzone_cloud.generic.crud import ARN
from mlzone_cloud.generic.noun import kebab
from mlzone_cloud.operations import Call

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Record = dict[str, Any]

_BY_TIME = "CreationTime"
_MOMENTS = ("CreationTime", "LastModifiedTime")


def store(cloud: "Cloud", noun: str, account: str, region: str) -> dict[str, Record]:
    """Return the records of one kind of resource, by name."""
    return cloud.store(f"sagemaker.{noun}", account, region)


def arn_of(noun: str, account: str, region: str, name: str) -> str:
    """Return the ARN of a resource."""
    return f"arn:aws:sagemaker:{region}:{account}:{kebab(noun)}/{name}"


def new(call: Call, noun: str) -> Record:
    """Return the record of what a call creates: its parameters with ARN and times."""
    name = call.params[f"{noun}Name"]
    arn = arn_of(noun, call.account, call.region, name)
    now = call.cloud.clock.now()
    # A request has no Tags if nobody gave any; a record always has, for whoever adds some.
    return {
        "Tags": [],
        **copy.deepcopy(call.params),
        f"{noun}Arn": arn,
        ARN: arn,
        "CreationTime": now,
        "LastModifiedTime": now,
    }


def find(call: Call, noun: str, message: str) -> Record:
    """Return the record that the parameters name.

    Args:
        call: the call; `<noun>Name` among its parameters is a name.
        noun: the kind of resource.
        message: how SageMaker says that there is none, with `{arn}` for its ARN.

    Raises:
        ApiError: there is none.
    """
    name = str(call.params[f"{noun}Name"])
    record = store(call.cloud, noun, call.account, call.region).get(name)
    if record is None:
        arn = arn_of(noun, call.account, call.region, name)
        raise ApiError("ValidationException", message.format(arn=arn, name=name))
    return record


def shown(operation: str, record: Record) -> dict[str, Any]:
    """Return what an operation shows of a record."""
    return {name: copy.deepcopy(record[name]) for name in _members(operation) if name in record}


def listing(call: Call, noun: str, result: str) -> dict[str, Any]:
    """Answer a list operation.

    Args:
        call: the call.
        noun: the kind of resource.
        result: the member of the answer that holds the list.
    """
    params = call.params
    found = [
        record
        for record in list(store(call.cloud, noun, call.account, call.region).values())
        if _matches(record, noun, params)
    ]
    order = {"Name": f"{noun}Name", "Status": f"{noun}Status", None: _BY_TIME}
    key = order.get(params.get("SortBy"), _BY_TIME)
    found.sort(
        key=lambda record: record.get(key, ""),
        reverse=params.get("SortOrder", "Descending") == "Descending",
    )
    page, token = paging.cut(found, params)
    fields = _element_members(call.operation, result)
    shown_page = [{name: item[name] for name in fields if name in item} for item in page]
    return {result: copy.deepcopy(shown_page), **({"NextToken": token} if token else {})}


def detail_of(operation: str, record: Record) -> dict[str, Any]:
    """Return a record as EventBridge shows it: times in milliseconds, tags as a mapping."""
    detail = {key: _plain(value) for key, value in shown(operation, record).items()}
    detail["Tags"] = {tag["Key"]: tag["Value"] for tag in record.get("Tags") or ()}
    return detail


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _matches(record: Record, noun: str, params: dict[str, Any]) -> bool:
    for moment in _MOMENTS:
        after, before = params.get(f"{moment}After"), params.get(f"{moment}Before")
        if after and record[moment] <= _utc(after):
            return False
        if before and record[moment] >= _utc(before):
            return False
    if params.get("NameContains", "").lower() not in record[f"{noun}Name"].lower():
        return False
    wanted = params.get("StatusEquals")
    return not wanted or record.get(f"{noun}Status") == wanted


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@functools.cache
def _members(operation: str) -> tuple[str, ...]:
    shape = wire.model("sagemaker").operation_model(operation).output_shape
    return tuple(shape.members) if shape else ()


@functools.cache
def _element_members(operation: str, result: str) -> tuple[str, ...]:
    shape = wire.model("sagemaker").operation_model(operation).output_shape
    return tuple(shape.members[result].member.members)
