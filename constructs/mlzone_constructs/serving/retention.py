"""How long captured requests and the reports about them are kept."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from mlzone.estate import BusinessUnit
from mlzone.serving_policy import reports_prefix, requests_prefix, windows_prefix

_DAYS_A_YEAR = 365


def capture_retention(unit: BusinessUnit) -> list[s3.LifecycleRule]:
    """Return the rules of a unit's capture bucket (DAT-05).

    Captured requests are data of the model's zone and kept as long as that data. Reports are
    evidence and kept as long as the model's risk tier demands.
    """
    rules = []
    for team in unit.teams:
        zones = {zone.name: zone for zone in team.data_zones}
        for model in team.models:
            data_days = zones[model.data_zone].retention_days
            for prefix, days in (
                (requests_prefix(model.name), data_days),
                (windows_prefix(model.name), data_days),
                (reports_prefix(model.name), model.controls.retention_years * _DAYS_A_YEAR),
            ):
                rules.append(
                    s3.LifecycleRule(
                        id=prefix.replace("/", "-"),
                        prefix=f"{prefix}/",
                        expiration=cdk.Duration.days(days),
                    )
                )
    return rules
