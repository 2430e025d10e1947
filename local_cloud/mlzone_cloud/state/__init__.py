"""The cloud's state on disk.

State is cut into partitions: one for each of moto's backends (a service in an account and Region),
one for each store of the cloud's own, and one for credentials and the clock. A commit writes the
partitions that changed into files of their own, then replaces the manifest that names the valid
files: before the rename the old state counts, after it the new one. Bodies of S3 objects lie beside
them, named by their digest, and are read when somebody asks for them.

What is guaranteed: a request that changes something is answered on the socket after its commit.
So a killed process loses at most what was in flight; background work (stacks, jobs, pipelines) is
as of its last commit, at most a quarter of a second old, all partitions of the same moment. Files
are not forced to the disk: a machine that loses its power may lose more, and the header and the
digests tell so at the next start.
"""

from mlzone_cloud.state.keeper import Keeper
from mlzone_cloud.state.moto_state import forget_everything

__all__ = ["Keeper", "forget_everything"]
