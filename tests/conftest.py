import os
from pathlib import Path

# Workers of pytest-xdist share the cores. Before torch is imported, which reads the variable once; kernels and
# subprocesses that tests start inherit it.
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // int(workers)))

import pytest
import torch

from mrilab.physics import SenseModel, normalise_maps


def pytest_addoption(parser):
    parser.addoption("--device", help="of tests/gpu: cuda, or cpu to run all of them there; default: cuda if any")


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


@pytest.fixture
def problem(generator):
    """A function that draws (k-space, mask, coil maps, image) of random values, sampled noise-free."""

    def draw(mask, shape=(8, 8), coils=3, n=2, dtype=torch.complex128):
        maps = normalise_maps(torch.randn(n, coils, *shape, dtype=dtype, generator=generator))
        image = torch.randn(n, *shape, dtype=dtype, generator=generator)
        return SenseModel(maps, mask).forward(image), mask, maps, image

    return draw


@pytest.fixture
def awake():
    """A function that gives all weights of a network random values: as built, the last layers are zero."""

    def wake(network, std=0.15):
        generator = torch.Generator().manual_seed(1)
        for parameter in network.parameters():
            parameter.data = std * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
        return network

    return wake
