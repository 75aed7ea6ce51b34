"""ESPIRiT against BART `ecalib` and sigpy, with the distance between the maps on the object."""

from __future__ import annotations

import tempfile
from pathlib import Path

import sigpy.mri.app
import torch
from torch import Tensor

from benchmarks import bart
from benchmarks.problem import phantom_scan
from benchmarks.timing import Row, alternate
from mrilab.physics import espirit, rss


def rows() -> list[Row]:
    kspace, _ = phantom_scan(320)
    image = rss(kspace)
    on_object = image > 0.1 * image.max()

    def ours():
        return espirit(kspace, calibration=24, kernel=6)

    def sigpy_maps():
        app = sigpy.mri.app.EspiritCalib(
            kspace.numpy(), calib_width=24, thresh=0.02, kernel_width=6, crop=0, show_pbar=False
        )
        return torch.from_numpy(app.run())

    work = "ESPIRiT, 320x320, 8 coils, 24x24 calibration"
    seconds, peer = alternate(ours, sigpy_maps, rounds=3)
    note = _distance(ours(), sigpy_maps(), on_object)
    table = [Row(work, "sigpy EspiritCalib", seconds, peer, 1 / 10, note)]
    if bart.available:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            bart.write(folder / "kspace", kspace)
            # ecalib compares squared singular values: 0.02^2
            command = ("ecalib", "-m1", "-c0", "-r24", "-k6", "-t0.0004", "kspace", "maps")
            seconds, peer = alternate(ours, lambda: bart.run(*command, folder=folder), rounds=9)
            note = _distance(ours(), bart.read(folder / "maps"), on_object)
        table.append(Row(work, "BART ecalib -m1 (whole program)", seconds, peer, 0.5, note))
    return table


def _distance(maps: Tensor, other: Tensor, on_object: Tensor) -> str:
    phase = torch.sgn((maps.conj() * other).sum(0))  # free at every pixel
    distance = (maps * phase - other).abs().square().sum(0).sqrt()[on_object]
    return f"distance on the object: median {distance.median():.1e}, largest {distance.max():.1e}"
