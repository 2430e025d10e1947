"""Region profiles: the Regions that exist, their zones, and what a Region lacks."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RegionProfile:
    """What the product must know of an AWS Region."""

    zones: tuple[str, ...]
    """Availability zone suffixes that new accounts get, first three."""
    partition: str = "aws"
    """The partition that ARNs of the Region begin with."""
    lacks: frozenset[str] = frozenset()
    """CloudFormation types of ours that the Region does not have."""


_ABC = ("a", "b", "c")

REGIONS: dict[str, RegionProfile] = {
    "us-east-1": RegionProfile(zones=_ABC),
    "us-east-2": RegionProfile(zones=_ABC),
    "us-west-2": RegionProfile(zones=_ABC),
    "ca-central-1": RegionProfile(zones=("a", "b", "d")),
    "sa-east-1": RegionProfile(
        zones=_ABC,
        lacks=frozenset({"AWS::BCMDataExports::Export", "AWS::CUR::ReportDefinition"}),
    ),
    "eu-west-1": RegionProfile(zones=_ABC),
    "eu-west-2": RegionProfile(zones=_ABC),
    "eu-west-3": RegionProfile(zones=_ABC),
    "eu-central-1": RegionProfile(zones=_ABC),
    "eu-north-1": RegionProfile(zones=_ABC),
    "eu-south-1": RegionProfile(zones=_ABC),
    "ap-south-1": RegionProfile(zones=_ABC),
    "ap-southeast-1": RegionProfile(zones=_ABC),
    "ap-southeast-2": RegionProfile(zones=_ABC),
    "ap-northeast-1": RegionProfile(zones=("a", "c", "d")),
    "ap-northeast-2": RegionProfile(zones=_ABC),
}
"""Regions with every service that the platform needs."""
