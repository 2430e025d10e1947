"""XGBoost, imported without scikit-learn.

XGBoost imports scikit-learn where it is installed, for its scikit-learn interface: two seconds of
start-up that nothing here needs. While the import runs, scikit-learn counts as not installed;
afterwards others import it as usual. In such a process `xgboost.XGBClassifier` does not work.
"""

import sys

_ABSENT = "sklearn"

if _ABSENT in sys.modules:
    import xgboost
else:
    sys.modules[_ABSENT] = None  # type: ignore[assignment] # how Python marks a module as absent
    try:
        import xgboost
    finally:
        del sys.modules[_ABSENT]

__all__ = ["xgboost"]
