"""What a machine may lack while it works: memory, or room on a disk. Each library says it in words of its own."""

import errno
import os
import re
from collections.abc import Iterator

FULL = [os.strerror(getattr(errno, name)) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name)]
MEMORY = re.compile(  # of torch, its GPU libraries, C++, HDF5, the system and the loader of shared libraries
    "can't allocate memory|not enough memory|out of memory|ALLOC_FAILED|bad_?alloc|memory allocation failed|"
    "unable to allocate memory|cannot allocate memory|failed to map segment|can't start new thread",
    re.IGNORECASE,
)
ASKED = re.compile(r"allocate (?:memory block of )?([\d.]+) ?(bytes|[KMGT]iB)", re.IGNORECASE)
LESS = "close other programs, or take less at once: one slice (--slice N), fewer samples or coils, a smaller batch"


def lacking(error: BaseException) -> str | None:
    """Return what the machine lacked and what to do about it; None for an error of another kind.

    What the error came from counts as well: a library may fail once more while it cleans up.
    """
    for each in _behind(error):
        text = str(each)
        if isinstance(each, MemoryError) or MEMORY.search(text):
            kind = "memory of the GPU" if re.search("CUDA|CUBLAS|CUFFT|CUDNN|HIP", text) else "memory"
            return f"not enough {kind}{_asked(text)}; {LESS}"
        if reason := disk_full(each):
            return f"nothing more can be written ({reason}); free some space or choose another folder"
    return None


def disk_full(error: BaseException) -> str | None:
    """Return the system's words for a full disk, a used up quota or a file that grew too large; None for others."""
    return next((reason for reason in FULL if reason in str(error)), None)


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _asked(text: str) -> str:
    found = ASKED.search(text)
    if found is None:
        return ""
    amount, unit = float(found[1]), found[2]
    for larger in ("KiB", "MiB", "GiB") if unit == "bytes" else ():
        if amount >= 1024:
            amount, unit = amount / 1024, larger
    return f" (one step asked for {amount:.3g} {unit})"
