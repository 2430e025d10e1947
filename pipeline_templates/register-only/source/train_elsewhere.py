"""The model that this template's example registers, as another platform might have trained it.

Run `python train_elsewhere.py` in this folder. The first 500 applications of the credit data train
it, with settings of its own; the other 500 become the project's `data/credit.csv`, which it never
saw. The same versions of XGBoost and NumPy give the same bytes.
"""

import csv
import json
from pathlib import Path

import xgboost

_HERE = Path(__file__).parent
SOURCE = _HERE.parents[1] / "tabular-realtime" / "data" / "credit.csv"
DATA = _HERE.parent / "data" / "credit.csv"
MODEL = _HERE.parent / "model"
TRAINED_ON = 500
NUMBERS = (
    "duration_months",
    "credit_amount",
    "installment_rate",
    "residence_since",
    "existing_credits",
    "dependents",
)
CATEGORIES = (
    "checking_status",
    "credit_history",
    "purpose",
    "savings",
    "employment_since",
    "property",
    "other_plans",
    "housing",
)
PARAMETERS = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 2,
    "eta": 0.1,
    "subsample": 0.9,
    "colsample_bytree": 0.5,
    "min_child_weight": 2,
    "seed": 7,
    "nthread": 1,
}
ROUNDS = 120
THRESHOLD = 0.35


def main() -> None:
    """Train, and write the model and the applications that it did not see."""
    with SOURCE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known, unseen = rows[:TRAINED_ON], rows[TRAINED_ON:]
    features = [
        {"name": name, "type": "number", "title": name.replace("_", " ")} for name in NUMBERS
    ] + [
        {
            "name": name,
            "type": "category",
            "title": name.replace("_", " "),
            "categories": sorted({row[name] for row in rows}),
        }
        for name in CATEGORIES
    ]
    table = xgboost.DMatrix(
        [[_value(row[item["name"]], item) for item in features] for row in known],
        label=[row["outcome"] == "default" for row in known],
        feature_names=[item["name"] for item in features],
        feature_types=["c" if item["type"] == "category" else "q" for item in features],
        enable_categorical=True,
        nthread=1,
    )
    booster = xgboost.train(PARAMETERS, table, num_boost_round=ROUNDS)
    MODEL.mkdir(exist_ok=True)
    booster.save_model(MODEL / "model.json")
    schema = {
        "format": "tabular/1",
        "model": "credit-default-elsewhere",
        "features": features,
        "target": "outcome",
        "positive_class": "default",
        "threshold": THRESHOLD,
        "decisions": {"positive": "refer", "negative": "approve"},
    }
    (MODEL / "schema.json").write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")
    with DATA.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(unseen)
    print(f"wrote {MODEL} and {DATA}")


def _value(text: str, feature: dict[str, object]) -> float:
    categories = feature.get("categories")
    return float(categories.index(text)) if isinstance(categories, list) else float(text)


if __name__ == "__main__":
    main()
