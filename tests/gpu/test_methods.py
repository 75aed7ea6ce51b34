"""Every method of `mrilab recon` on the device against the CPU, through `reconstruct`, as a user calls it."""

import pytest

from benchmarks.problem import phantom_scan
from mrilab.data.scans import read_scan, write_scan
from mrilab.evaluation.reconstruct import reconstruct
from mrilab.methods.registry import available_methods, method_options

SIDE = 128
# What makes the samplers and the fit short; any method that has the option takes it.
SHORT = {"samples": 2, "levels": 8, "steps": 6, "iterations": 20}
OWN = {"l1-wavelet": {"levels": 4}, "flat": {"samples": 1, "steps": None}}
PSNR = 0.05  # dB: coil maps differ by rounding, and outside the object by anything
QUICK = ("zero-filled", "cg-sense", "l1-wavelet", "flat")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("scans") / "phantom.h5"
    write_scan(path, phantom_scan(SIDE)[0][None])
    return path


def options(name):
    known = method_options(name)
    short = {key: value for key, value in {**SHORT, **OWN.get(name, {})}.items() if key in known}
    return short | ({"precision": "float32"} if "precision" in known else {})


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.gpu(on_cpu=name in QUICK), id=name) for name in available_methods()]
)
def test_methods(name, path, device, record_property):
    def psnr(where, **changes):
        scan = read_scan(path)
        result = reconstruct(scan, name, acceleration=4, device=str(where), **{**options(name), **changes})
        assert result.device == str(where) and all(each.image.device.type == "cpu" for each in result.slices)
        return result.metrics["psnr"]

    expected = psnr("cpu")
    difference = abs(psnr(device) - expected)
    record_property("difference", (f"recon {name}: dB", "float32", difference, PSNR))
    assert difference <= PSNR
    if "precision" in method_options(name):
        lower = abs(psnr(device, precision="bfloat16") - expected)
        record_property("difference", (f"recon {name}: dB", "bfloat16", lower, 0.5))
        assert lower <= 0.5
