import os
from pathlib import Path

import pytest
import torch


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(20261120)


@pytest.fixture(scope="session")
def real_scans() -> Path:
    """The folder of real multi-coil scans, named by MRILAB_REAL_SCANS; without it the test is skipped."""
    folder = os.environ.get("MRILAB_REAL_SCANS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("set MRILAB_REAL_SCANS to a folder of real scans to run this test")
    return Path(folder)
