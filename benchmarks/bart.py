"""BART as a program of its own: arrays go through its files; times are those that a user of its tools waits for."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

available = shutil.which("bart") is not None


def write(path: Path, array: Tensor) -> None:
    """BART's layout (x, y, z, coil), column-major; ours is (coil, H, W)."""
    data = array.numpy().astype(np.complex64)
    data = data.transpose(1, 2, 0)[:, :, None, :] if data.ndim == 3 else data
    path.with_suffix(".hdr").write_text("# Dimensions\n" + " ".join(map(str, data.shape)) + "\n")
    data.ravel(order="F").tofile(path.with_suffix(".cfl"))


def read(path: Path) -> Tensor:
    """(coil, H, W), or (H, W) for an image."""
    shape = [int(n) for n in path.with_suffix(".hdr").read_text().splitlines()[1].split()]
    data = np.fromfile(path.with_suffix(".cfl"), dtype=np.complex64).reshape(shape, order="F").squeeze()
    data = data.transpose(2, 0, 1) if data.ndim == 3 else data
    return torch.from_numpy(np.ascontiguousarray(data))


def run(*arguments: str, folder: Path) -> float:
    """Seconds of one BART command, on as many threads as torch uses."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(torch.get_num_threads()))
    start = time.perf_counter()
    done = subprocess.run(["bart", *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"bart {' '.join(arguments)}: {done.stderr.strip()}")
    return seconds
