"""IAM semantics: policy evaluation over AWS's published logic; imports nothing of ours."""
