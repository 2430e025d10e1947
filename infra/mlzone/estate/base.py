"""The base of all estate records and the constrained scalar types they share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


class Record(BaseModel):
    """An immutable piece of the estate; unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=32)]
"""A name of ours: lower case, digits and single hyphens, starting with a letter."""

AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
"""A twelve-digit AWS account id, quoted in YAML so that leading zeros survive."""

RoleArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]+$",
        max_length=640,
    ),
]
"""The ARN of one IAM role; no pattern."""

PersonId = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*([.-][a-z0-9]+)*$", max_length=63)
]
"""A person's user name at the identity provider; also their role session name."""

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
"""An AWS Region code."""

InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
"""A SageMaker instance type, such as `ml.m5.large`."""

Cidr = Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$")]
"""An IPv4 network in CIDR notation."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
"""A sentence for people; never empty."""
