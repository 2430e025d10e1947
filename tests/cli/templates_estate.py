"""A small estate whose models are of the templates that the demo does not show."""

import shutil
from pathlib import Path

import yaml

FORECAST = "retail-banking/unemployment"
"""Risk tier 3: one approval, then nobody is asked."""
ELSEWHERE = "retail-banking/old-scorecard"
"""Risk tier 2: validated, approved, and let into production by a person."""
MIGRATED = "retail-banking/migrated"
"""Risk tier 3, brought in by a manifest."""
BATCH = "retail-banking/loan-review"
"""Risk tier 3, without an endpoint: it answers once a day."""
CARS = "retail-banking/car-value"
"""Risk tier 3, in an image of its own."""
LENDING = "arn:aws:iam::100000000012:role/lending"
"""The system that brings what the model is asked, and fetches what it answers."""
_MODELS = {
    "credit-risk": [
        {
            "name": "old-scorecard",
            "title": "Scorecard of the old platform",
            "purpose": "Estimates the probability that an applicant defaults",
            "template": "register-only",
            "risk_tier": 2,
            "data_zone": "credit-applications",
            # Half of few records: one of the groups is small, and its ratio uncertain.
            "thresholds": {"max_disparate_impact_gap": 0.4},
            "serving": {"trial": {"mode": "ab-test"}},
            "monitoring": {"ground_truth": {"lag_hours": 24}},
        },
        {
            "name": "migrated",
            "title": "Another scorecard of the old platform",
            "purpose": "Estimates the probability that an applicant defaults",
            "template": "register-only",
            "risk_tier": 3,
            "data_zone": "credit-applications",
        },
        {
            "name": "car-value",
            "title": "Value of a car that secures a loan",
            "purpose": "Estimates what a car is worth as collateral of a loan",
            "template": "custom-container",
            "risk_tier": 3,
            "data_zone": "credit-applications",
            "thresholds": {"max_error_ratio": 0.6},
        },
        {
            "name": "loan-review",
            "title": "Review of running loans",
            "purpose": "Finds loans that an adviser should look at, every night",
            "template": "tabular-batch",
            "risk_tier": 3,
            "data_zone": "credit-applications",
            "serving": {
                "batch": {
                    "hour": 2,
                    "brought_by": [{"role": LENDING, "external_id": "loans"}],
                    "fetched_by": [{"role": LENDING}],
                }
            },
            "monitoring": {"min_records": 30, "capture_percentage": 100},
        },
    ],
    "marketing": [
        {
            "name": "unemployment",
            "title": "Unemployment in a year",
            "purpose": "Chooses the scenario by which loan losses are provided for",
            "template": "forecast",
            "risk_tier": 3,
            "data_zone": "campaigns",
            "thresholds": {"max_error_ratio": 0.9},
            "serving": {"trial": {"mode": "shadow", "percentage": 100, "requests": 20}},
        }
    ],
}


def write(root: Path, folder: Path) -> Path:
    """Copy the example estate with one unit alone, and models of its own."""
    shutil.copytree(root / "organization", folder)
    for file in (folder / "business_units").glob("*.yaml"):
        if file.stem != "retail-banking":
            file.unlink()
            continue
        unit = yaml.safe_load(file.read_text(encoding="utf-8"))
        for team in unit["teams"]:
            team["models"] = _MODELS[team["name"]]
        file.write_text(yaml.safe_dump(unit, sort_keys=False), encoding="utf-8")
    return folder
