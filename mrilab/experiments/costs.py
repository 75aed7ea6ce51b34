"""What each method costs: seconds and memory for one test head at R = 4, each in a process of its own.

Run it on a machine that does nothing else. Memory is the largest that the process ever held, with Python, torch and
the scan; that of zero-filled is what all have in common. Seconds are those of the method alone, weights loaded.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from mrilab.data.embedded import dataset
from mrilab.errors import UserError
from mrilab.evaluation.experiments import Experiment

DATASET = "heads-t2-test"
OPTIONS = {
    "zero-filled": (),
    "cg-sense": (),
    "l1-wavelet": (),
    "modl": ("--network", "modl-t2"),
    "varnet": ("--network", "varnet-t2"),
    "langevin": ("--prior", "score-t2", "--samples", "8"),
    "convdecoder": (),
}
RUNS = 3  # of each; the lesson takes the quickest


def cases() -> list[dict]:
    return [{"method": method, "run": run} for method in OPTIONS for run in range(RUNS)]


def measure(case: dict) -> dict[str, float]:
    scan = dataset(DATASET)[0]
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--method", case["method"], "--acceleration", "4", *OPTIONS[case["method"]]]
        command = [sys.executable, "-m", "mrilab", "recon", str(scan), *arguments, "--json"]
        done = subprocess.run([*command, "--out", str(Path(folder) / "out.h5")], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{case['method']} failed: {done.stderr.strip().splitlines()[-1]}")
    result = json.loads(done.stdout)
    return {"method_seconds": result["seconds"], "peak_memory_mb": result["peak_memory_mb"], "psnr": result["psnr"]}


EXPERIMENT = Experiment(
    title="seconds and memory of every method for one head at R = 4",
    keys=("method", "run"),
    measured=("method_seconds", "peak_memory_mb", "psnr"),
    cases=cases,
    measure=measure,
)
