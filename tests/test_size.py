"""How large a clone is: the files that git tracks."""

import subprocess

import pytest

from mrilab.paths import ROOT

LARGEST = 60e6  # Bytes of all tracked files together. A learner clones them, and a GPU runner has to take them.


def test_all_tracked_files_together_are_small_enough_to_clone():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so there is nothing to ask which files are tracked")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    files = [ROOT / name for name in listing.split("\0") if name]
    sizes = {file: file.lstat().st_size for file in files if file.exists()}
    largest = sorted(sizes, key=sizes.__getitem__, reverse=True)[:3]
    assert sum(sizes.values()) < LARGEST, f"the largest are {', '.join(file.name for file in largest)}"
