"""So many Dask workers with nannies; prints where they are, and ends when standard input does."""

from __future__ import annotations

import json
import sys

from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=None
    ) as cluster:
        pids = [nanny.pid for nanny in cluster.workers.values()]
        facts = {"address": cluster.scheduler_address.removeprefix("tcp://"), "pids": pids}
        print(json.dumps(facts), flush=True)
        sys.stdin.read()
