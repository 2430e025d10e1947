"""What EC2's types have in common: tags, and operations that describe by id."""

from mlzone_cloud.cfn.provider import Context, tag_list
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType


def tag_specifications(kind: str, properties: Json) -> list[Json]:
    """Return tags as operations take them that make resources."""
    tags = tag_list(properties)
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


class Tagged(ExplicitType):
    """A type whose changes in place are its tags alone, unless it says more."""

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json | None:
        if tag_list(old) == tag_list(new):
            return None
        ec2 = context.client("ec2")
        kept = {tag["Key"] for tag in tag_list(new)}
        gone = [tag for tag in tag_list(old) if tag["Key"] not in kept]
        if gone:
            ec2.deletetag_specifications(Resources=[physical_id], Tags=gone)
        if tag_list(new):
            ec2.createtag_specifications(Resources=[physical_id], Tags=tag_list(new))
        return None

    describe = ""
    """The operation that shows resources of the type, and its parameter of ids."""
    ids = ""

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json | None:
        if not self.describe:
            return super()._read(context, physical_id, properties)
        found = getattr(context.client("ec2"), self.describe)(**{self.ids: [physical_id]})
        listed = next(value for value in found.values() if isinstance(value, list))
        if not listed:
            return None
        shown = {
            key: value
            for key, value in listed[0].items()
            if key in properties and isinstance(value, str | bool | int)
        }
        return {**shown, "Tags": listed[0].get("Tags", [])}
