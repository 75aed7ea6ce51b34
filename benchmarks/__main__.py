"""`python -m benchmarks [NAME ...]`: tables of one run, of all benchmarks or of those in NAMES that are named.

`python -m benchmarks --device cuda` measures a GPU instead; `--device cpu` does the same on the CPU, smaller.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import sys

import torch

from benchmarks import bart

NAMES = ("normal", "cg", "maps", "wavelet", "training", "langevin", "unrolled", "sgr", "infomri", "tasks", "widgets")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--device", help="measure this device: cuda or cpu")
    asked = parser.parse_args(arguments)
    unknown = set(asked.names) - set(NAMES)
    if unknown:
        print(f"unknown benchmark {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}", file=sys.stderr)
        return 2
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.processor() or platform.machine()}")
    if asked.device:
        table("device", device=torch.device(asked.device))
        return 0
    if not bart.available:
        print("BART is not installed: its rows are left out (Debian package bart)")
    table(*(asked.names or NAMES))
    return 0


def table(*names: str, **settings: object) -> None:
    """Print the rows of these benchmarks as they come."""
    print(f"\n{'work':<62} {'against':<34} {'ours ms':>9} {'theirs ms':>10} {'ratio':>7} {'target':>7}")
    for name in names:
        for row in importlib.import_module(f"benchmarks.{name}").rows(**settings):
            times = f"{row.seconds * 1e3:9.2f} {row.floor_seconds * 1e3:10.2f} {row.ratio:7.3f}"
            verdict = f"{'-':>7}  "
            if row.target is not None:
                verdict = f"{row.target:7.3f}  {'met' if row.ratio <= row.target else 'MISSED'}"
            print(f"{row.work:<62} {row.against:<34} {times} {verdict}  {row.note}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
