"""CG-SENSE against its floor of bare FFT pairs, and against sigpy and BART doing the same ten iterations."""

from __future__ import annotations

import tempfile
from pathlib import Path

import sigpy.mri.app

from benchmarks import bart
from benchmarks.problem import bare_pair, line_mask, phantom_scan
from benchmarks.timing import Row, alternate
from mrilab.evaluation import nrmse
from mrilab.physics import SenseModel, cg_sense

ITERATIONS, WEIGHT = 10, 1e-3


def rows() -> list[Row]:
    kspace, maps = phantom_scan(320)
    mask = line_mask(320)
    y = kspace * mask
    model = SenseModel(maps, mask)

    def ours():
        return cg_sense(y, model, weight=WEIGHT, iterations=ITERATIONS, tolerance=0)

    def floor():
        for _ in range(ITERATIONS):
            bare_pair(kspace)

    def sigpy_recon():
        app = sigpy.mri.app.SenseRecon(
            y.numpy(), maps.numpy(), lamda=WEIGHT, weights=mask.numpy(), max_iter=ITERATIONS, tol=0, show_pbar=False
        )
        return app.run()

    seconds, pairs = alternate(ours, floor, rounds=15)
    work = f"CG-SENSE, 320x320, 8 coils, {ITERATIONS} iterations, line mask"
    table = [Row(work, f"{ITERATIONS} bare 2-D FFT pairs", seconds, pairs, 1.05)]
    seconds, peer = alternate(ours, sigpy_recon, rounds=5)
    table.append(Row(work, "sigpy SenseRecon", seconds, peer, 1 / 4))
    if bart.available:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            bart.write(folder / "kspace", y)
            bart.write(folder / "maps", maps)
            command = ("pics", "-S", "-w1", f"-i{ITERATIONS}", f"-r{WEIGHT}", "kspace", "maps", "image")
            seconds, peer = alternate(ours, lambda: bart.run(*command, folder=folder), rounds=7)
            note = f"NRMSE to BART {nrmse(ours(), bart.read(folder / 'image')):.4f}"
        table.append(Row(work, "BART pics (whole program)", seconds, peer, 1 / 4, note))
    return table
