"""L1-wavelet by FISTA against its floor of bare FFT pairs, and against BART on the same objective."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import bart
from benchmarks.problem import bare_pair, line_mask, phantom_scan
from benchmarks.timing import Row, alternate
from mrilab.evaluation import nrmse
from mrilab.physics import SenseModel, l1_wavelet

ITERATIONS, THRESHOLD = 60, 2e-3


def rows() -> list[Row]:
    kspace, maps = phantom_scan(320)
    mask = line_mask(320)
    y = kspace * mask
    model = SenseModel(maps, mask)

    def ours():
        # BART's -n: no cycle spinning; its only long orthogonal wavelet is db2 (dau2)
        return l1_wavelet(
            y, model, threshold=THRESHOLD, wavelet="db2", iterations=ITERATIONS, tolerance=0, cycle_spinning=False
        )

    def floor():
        for _ in range(ITERATIONS):
            bare_pair(kspace)

    seconds, pairs = alternate(ours, floor, rounds=9)
    work = f"L1-wavelet, 320x320, 8 coils, {ITERATIONS} iterations, line mask"
    table = [Row(work, f"{ITERATIONS} bare 2-D FFT pairs", seconds, pairs, 2.5)]
    if bart.available:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            bart.write(folder / "kspace", y)
            bart.write(folder / "maps", maps)
            regularisation = f"-RW:3:0:{THRESHOLD}"
            command = ("pics", "-S", "-n", "-w1", f"-i{ITERATIONS}", regularisation, "kspace", "maps", "image")
            seconds, peer = alternate(ours, lambda: bart.run(*command, folder=folder), rounds=5)
            note = f"NRMSE to BART {nrmse(ours(), bart.read(folder / 'image')):.4f}"
        table.append(Row(work, "BART pics (whole program)", seconds, peer, 0.5, note))
    return table
