"""Runs a lesson under nbval."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import papermill


def run_nbval(path: Path, folder: Path, **parameters: str) -> tuple[int, str]:
    """Run nbval on a copy in the smoke profile, with further parameters: (exit code, what it printed)."""
    copy = folder / path.name
    papermill.execute_notebook(path, copy, {"profile": "smoke", **parameters}, prepare_only=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider", "-q",
         "--nbval-cell-timeout", "300", copy.name],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "TQDM_DISABLE": "1"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
