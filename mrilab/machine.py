"""What a measured number was measured on: device, memory and the commit of the code."""

import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import psutil
import torch

from mrilab.errors import UserError
from mrilab.paths import ROOT

Precision = Literal["auto", "float32", "bfloat16"]  # arithmetic of a network
WATCHED = ("mrilab", "pyproject.toml", "requirements.lock")  # what can change a result


def find_device(name: str) -> torch.device:
    """Return the device of this name, "cpu", "cuda", "cuda:1" ..., or for "auto" cuda where there is one, else the CPU.

    Raises:
        UserError: there is no such device here, or it is Apple's mps: many versions of torch lack operations on it that
            coil maps need, and nothing here has been tested on it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.partition(":")[0] == "mps":
        raise UserError("Apple's GPU (mps) is not used here; choose cpu, which auto takes on a Mac")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"there is no device {name!r} here; choose cpu, or auto for the best there is") from error
    return device


def device_name() -> str:
    """Return the device that "auto" means and that trains, in words: "cpu (2 threads)" or "cuda (NVIDIA ...)"."""
    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})"
    return f"cpu ({torch.get_num_threads()} threads)"


def multiplies_bfloat16(device: torch.device) -> bool:
    """Return whether the device has arithmetic for bfloat16, and does not just store it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: dict = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch do not tell
    return device.type == "cpu" and any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


def in_bfloat16(precision: Precision, device: torch.device) -> bool:
    """Return whether to work in bfloat16: "auto" does where the device multiplies in it."""
    return precision == "bfloat16" or (precision == "auto" and multiplies_bfloat16(device))


def tree_memory(processes: Iterable[psutil.Process]) -> int:
    """Return the resident bytes of these processes together. Those that have ended count nothing."""
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def peak_memory(device: torch.device) -> int:
    """Return the most bytes so far: of torch since the last reset on a GPU, else of this process since its start."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    if sys.platform == "linux":  # ru_maxrss would begin with what the parent held when it forked
        peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    import resource  # Unix only

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def clock(device: torch.device) -> float:
    """Return the seconds of a clock, once the device has finished what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # kernels are still running when the call returns
    return time.perf_counter()


def commit() -> str:
    """Return the commit of the code, with "+changes" where the package differs from it; "unknown" outside git.

    Only what can change a result counts as a change: an experiment appends to results/ while it runs.
    """
    git = ["git", "-C", str(ROOT), "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--"]
    try:
        status = subprocess.check_output([*git, *WATCHED], stderr=subprocess.DEVNULL, text=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    head, *others = status.removeprefix("# branch.oid ").splitlines()
    return head[:12] + ("+changes" if any(not line.startswith("#") for line in others) else "")
