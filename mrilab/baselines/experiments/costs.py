"""The cost of each method: seconds and memory for one test head at R = 4, each in a process of its own.

Run it on a machine that does nothing else. Memory is the largest that the process ever held, with Python, torch and
the scan. That of zero-filled is what all have in common. Seconds are those of the method alone, with weights loaded.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from mrilab.data.embedded import dataset
from mrilab.errors import UserError
from mrilab.evaluation.experiments import experiment

DATASET = "heads-t2-test"
OPTIONS = {  # what follows `mrilab recon --method`
    "zero-filled": "zero-filled",
    "cg-sense": "cg-sense",
    "l1-wavelet": "l1-wavelet",
    "modl": "modl --network modl-t2",
    "varnet": "varnet --network varnet-t2",
    "langevin": "langevin --prior score-t2 --samples 8",
    "convdecoder": "convdecoder",
    # lesson 3, by the names of `flat_heads`
    "flat-derived": "flat --network flat-derived-t2",
    "flat-free": "flat --network flat-free-t2",
    **{f"flat-shared-{steps}": f"flat --network flat-shared-t2 --steps {steps}" for steps in (6, 12, 24)},
    "ista": "ista",
    **{f"ddim-{steps}": f"ddim --prior score-t2 --samples 1 --steps {steps}" for steps in (6, 12, 24, 48)},
    **{f"ddim-{steps}-mean-8": f"ddim --prior score-t2 --samples 8 --steps {steps}" for steps in (12, 24)},
    "langevin-one": "langevin --prior score-t2 --samples 1",
}
RUNS = 3  # runs of each method; the lesson takes the quickest


def cases() -> list[tuple]:
    """Return one case a method and run."""
    return [(method, run) for method in OPTIONS for run in range(RUNS)]


@experiment(
    "seconds and memory of every method for one head at R = 4",
    measured=("method_seconds", "peak_memory_mb", "psnr"),
    cases=cases,
)
def measure(method: str, run: int) -> dict[str, float]:
    """Reconstruct the head in a new process.

    Raises:
        UserError: the process failed. The message ends with the last line that it wrote.
    """
    scan = dataset(DATASET)[0]
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--acceleration", "4", "--method", *OPTIONS[method].split()]
        command = [sys.executable, "-m", "mrilab", "recon", str(scan), *arguments, "--json"]
        done = subprocess.run([*command, "--out", str(Path(folder) / "out.h5")], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{method} failed: {done.stderr.strip().splitlines()[-1]}")
    result = json.loads(done.stdout)
    return {"method_seconds": result["seconds"], "peak_memory_mb": result["peak_memory_mb"], "psnr": result["psnr"]}
