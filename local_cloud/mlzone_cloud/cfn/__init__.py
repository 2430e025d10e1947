"""CloudFormation: templates become resources, validated against the official registry schemas."""
