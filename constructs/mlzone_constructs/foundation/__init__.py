"""What an account stands on: keys, buckets, logs, functions, the private network."""

from mlzone_constructs.foundation.bucket import GovernedBucket, GovernedBucketProps
from mlzone_constructs.foundation.config_rules import ConfigRules, ConfigRulesProps
from mlzone_constructs.foundation.default_group import ClosedDefaultGroup, ClosedDefaultGroupProps
from mlzone_constructs.foundation.function import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.key import GovernedKey, GovernedKeyProps
from mlzone_constructs.foundation.log_group import GovernedLogGroup, GovernedLogGroupProps
from mlzone_constructs.foundation.network import PrivateNetwork, PrivateNetworkProps
from mlzone_constructs.foundation.references import FoundationReferences
from mlzone_constructs.foundation.workload_group import WorkloadGroup, WorkloadGroupProps

__all__ = [
    "ClosedDefaultGroup",
    "ClosedDefaultGroupProps",
    "ConfigRules",
    "ConfigRulesProps",
    "FoundationReferences",
    "GovernedBucket",
    "GovernedBucketProps",
    "GovernedFunction",
    "GovernedFunctionProps",
    "GovernedKey",
    "GovernedKeyProps",
    "GovernedLogGroup",
    "GovernedLogGroupProps",
    "PrivateNetwork",
    "PrivateNetworkProps",
    "WorkloadGroup",
    "WorkloadGroupProps",
]
