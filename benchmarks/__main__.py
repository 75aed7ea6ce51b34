"""`python -m benchmarks [normal cg maps wavelet training langevin unrolled widgets]`: tables, all of one run."""

from __future__ import annotations

import importlib
import platform
import sys

import torch

from benchmarks import bart

NAMES = ("normal", "cg", "maps", "wavelet", "training", "langevin", "unrolled", "widgets")


def main(names: list[str]) -> int:
    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"unknown benchmark {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}", file=sys.stderr)
        return 2
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.processor() or platform.machine()}")
    if not bart.available:
        print("BART is not installed: its rows are left out (Debian package bart)")
    print(f"\n{'work':<62} {'against':<34} {'ours ms':>9} {'theirs ms':>10} {'ratio':>7} {'target':>7}")
    for name in names or NAMES:
        for row in importlib.import_module(f"benchmarks.{name}").rows():
            times = f"{row.seconds * 1e3:9.2f} {row.floor_seconds * 1e3:10.2f} {row.ratio:7.3f} {row.target:7.3f}"
            verdict = "met" if row.ratio <= row.target else "MISSED"
            print(f"{row.work:<62} {row.against:<34} {times}  {verdict}  {row.note}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
