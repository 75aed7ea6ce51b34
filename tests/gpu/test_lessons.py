"""Every lesson in the smoke profile, with `device` set to the device under test."""

import pytest
from nbval_runs import run_nbval

from mrilab.paths import NOTEBOOKS


@pytest.mark.gpu
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_lesson_runs_on_the_device(path, device, tmp_path):
    code, printed = run_nbval(path, tmp_path, device=str(device))
    assert code == 0, printed
