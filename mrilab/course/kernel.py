"""Would the kernels of the lessons import this very package, or another copy of it?"""

import os
import subprocess
from pathlib import Path

from jupyter_client import KernelManager

import mrilab
from mrilab.errors import UserError
from mrilab.paths import ROOT

KERNEL = "python3"  # what the lessons' metadata name
ASK = "import mrilab; print(); print(mrilab.__file__)"


def kernel_package(folder: Path) -> tuple[str, str]:
    """Ask the kernel's interpreter, started in `folder`, for the file of `mrilab`. Return the interpreter and its word.

    The kernel is the one that papermill would start. Its folder counts, because kernels look there for modules first.
    The word is the error's last line where it cannot import the package, or cannot be started.
    """
    manager = KernelManager(kernel_name=KERNEL)
    command = manager.format_kernel_cmd()
    interpreter = command[: command.index("-m")] if "-m" in command else command[:1]
    spec = manager.kernel_spec
    environment = {**os.environ, **(spec.env if spec else {})}
    try:
        told = subprocess.run([*interpreter, "-c", ASK], cwd=folder, env=environment, capture_output=True, text=True)
    except OSError as error:
        return " ".join(interpreter), str(error.strerror)
    return " ".join(interpreter), ((told.stdout.strip() or told.stderr.strip()).splitlines() or ["nothing"])[-1]


def same_package(folder: Path) -> Path:
    """Return the file of this package, which the kernels of lessons in `folder` import as well.

    Raises:
        UserError: they would import another copy, or none.
    """
    here = Path(str(mrilab.__file__))
    interpreter, there = kernel_package(folder)
    found = Path(there).is_file()
    if not (found and Path(there).samefile(here)):
        wrong = f"would import {there} instead of this copy, {here}" if found else f"cannot import mrilab ({there})"
        raise UserError(
            f"the kernel {KERNEL} of the lessons {wrong}; run `{interpreter} -m pip install --no-deps -e {ROOT}`, "
            "or remove what hides it"
        )
    return here
