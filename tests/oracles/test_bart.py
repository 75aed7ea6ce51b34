"""The Berkeley Advanced Reconstruction Toolbox as an independent implementation; skipped where it is not installed."""

import pytest

from benchmarks import bart
from benchmarks.problem import line_mask, phantom_scan
from mrilab.evaluation import nrmse
from mrilab.physics import SenseModel, cg_sense, espirit, l1_wavelet, rss

pytestmark = pytest.mark.skipif(not bart.available, reason="BART is not installed (Debian package bart)")
N = 128


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bart")
    kspace, maps = phantom_scan(N)
    mask = line_mask(N)
    y = kspace * mask
    bart.write(folder / "kspace", kspace)
    bart.write(folder / "y", y)
    bart.write(folder / "maps", maps)
    return folder, kspace, y, SenseModel(maps, mask)


def test_maps_are_those_of_ecalib(problem):
    folder, kspace, _, _ = problem
    # ecalib compares squared singular values: 0.02^2
    bart.run("ecalib", "-m1", "-c0", "-r24", "-k6", "-t0.0004", "kspace", "found", folder=folder)
    ours, theirs = espirit(kspace), bart.read(folder / "found")
    on_object = rss(kspace) > 0.1 * rss(kspace).max()
    overlap = (ours.conj() * theirs).sum(0).abs()[on_object]  # 1 where the maps agree but for a phase
    # BART stops its iteration early, which shows in a few pixels where two eigenvalues are close
    assert overlap.median() > 1 - 1e-5
    assert (overlap > 1 - 1e-3).float().mean() > 0.99


def test_cg_sense_is_pics(problem):
    folder, _, y, model = problem
    bart.run("pics", "-S", "-w1", "-i10", "-r0.001", "y", "maps", "image", folder=folder)
    ours = cg_sense(y, model, weight=1e-3, iterations=10, tolerance=0)
    assert nrmse(ours, bart.read(folder / "image")) < 1e-3


def test_l1_wavelet_is_pics_with_wavelets(problem):
    folder, _, y, model = problem
    # Haar, because it needs no border: with db2, which BART does not continue periodically, NRMSE is 0.03 to 0.04
    wavelet = ("--wavelet", "haar", "-RW:3:0:0.002")
    bart.run("pics", "-S", "-n", "-w1", "-i60", *wavelet, "y", "maps", "image", folder=folder)
    ours = l1_wavelet(y, model, threshold=2e-3, wavelet="haar", iterations=60, tolerance=0, cycle_spinning=False)
    # what is left: BART shrinks the coarsest band, too
    assert nrmse(ours, bart.read(folder / "image")) < 0.01
