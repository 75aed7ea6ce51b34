"""`import mrilab` is light, and has the names that most people need."""

import subprocess
import sys

import pytest

import mrilab
from mrilab.data.scans import read_scan
from mrilab.evaluation.reconstruct import reconstruct


def test_the_names_are_those_of_their_modules():
    assert mrilab.reconstruct is reconstruct and mrilab.read_scan is read_scan
    assert set(mrilab.__all__) <= set(dir(mrilab))
    with pytest.raises(AttributeError, match="has no attribute 'reconstrct'"):
        mrilab.reconstrct  # noqa: B018


def test_importing_the_package_imports_no_torch():
    code = "import sys, mrilab; dir(mrilab); mrilab.__version__; print(*{'torch', 'numpy', 'monai'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_help_of_the_command_line_imports_no_torch():
    code = (
        "import sys; sys.argv = ['mrilab', '--help']\nfrom mrilab.cli import main\ntry:\n    main()\nfinally:\n"
        "    print(*{'torch', 'monai'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: mrilab" in done.stdout and done.stderr.strip() == ""
