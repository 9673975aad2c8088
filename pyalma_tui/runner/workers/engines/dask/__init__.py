"""Places on the workers of a Dask cluster.

`engine` is what the runner has of it, which never imports distributed: that takes half a second, and threads. `bridge`
is a process beside the runner with the client in it. For each place it submits a task that is pinned to one dask worker
(`attending`), so that the cluster knows it as busy, then connects to that dask worker by the address, the port and the
security that the cluster has anyway, and hands the connection to the task, which starts the place. `cable` carries
bytes over it both ways. The scheduler starts, lists and ends; what a place says does not go through it, and nothing
of it is kept there.
"""
