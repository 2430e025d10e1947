"""The CDK application: load the estate, build the selected stacks, synthesize."""

from mlzone_stacks.landing_zone import synthesize

synthesize()
