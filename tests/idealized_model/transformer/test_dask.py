"""A sweep on the executor that dask gives: the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from idealized_model.transformer.results import read_rows
from idealized_model.transformer.runs import run
from idealized_model.transformer.sweeps import jobs, sweep

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")  # dask and the libraries below it warn of their own doings

GRID = {
    "seeds": 2, "test_lengths": [2, 4], "test_size": 8,
    "defaults": {
        "task": "copy", "longest": 2, "n_ids": 16, "steps": 12, "batch": 4, "width": 8, "layers": 1, "heads": 2,
    },
    "grid": {"positions": ["none", "coupled"]},
}  # fmt: skip


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_rows(tmp_path: Path) -> None:
    work = jobs(GRID)
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, local_directory=str(tmp_path)
    )
    with cluster, distributed.Client(cluster) as client:
        executor = client.get_executor()
        assert sweep(work, tmp_path / "results.jsonl", executor=executor) == 4
        assert sweep(work, tmp_path / "results.jsonl", executor=executor) == 0
    found = {row["digest"]: row for row in read_rows(tmp_path / "results.jsonl")}
    for job in work:
        expected, row = run(job.config, job.evaluation), found.pop(job.key[0])
        for key in expected:
            assert row[key] == expected[key] or key == "seconds"
    assert not found
