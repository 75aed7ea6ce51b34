"""What libraries say when memory or disk run out, as one sentence."""

import errno
import os

import numpy as np
import pytest
import torch

from mrilab.errors import UserError
from mrilab.faults import lacking


def raised(function):
    with pytest.raises(Exception) as caught:
        function()
    return caught.value


@pytest.mark.parametrize(
    ("function", "asked"),
    [
        (lambda: np.ones((2**20, 2**26)), "512 TiB"),
        (lambda: torch.ones(2**20, 2**26), "2.62e+05 GiB"),
        (lambda: bytearray(2**60), ""),
    ],
)
def test_too_much_memory_of_numpy_torch_and_python(function, asked):
    said = lacking(raised(function))
    assert said.startswith("not enough memory") and asked in said and "--slice" in said


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has", "memory of the GPU (one step asked for 20 MiB)"),
        ("cuFFT error: CUFFT_ALLOC_FAILED", "memory of the GPU;"),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling", "memory of the GPU;"),
        ("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 3145728 bytes.", "for 3 MiB)"),
        ("std::bad_alloc", "memory;"),
        ("libtorch.so: failed to map segment from shared object", "memory;"),
        ("Can't synchronously write data (unable to allocate memory block of 2048 bytes)", "for 2 KiB)"),
    ],
)
def test_messages_of_other_machines(message, kind):
    assert f"not enough {kind}" in lacking(RuntimeError(message)) or kind in lacking(RuntimeError(message))


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EFBIG"])
def test_a_full_disk_by_the_system_and_in_words(name):
    code = getattr(errno, name)
    for error in (OSError(code, os.strerror(code)), RuntimeError(f"I/O error: {os.strerror(code)} (os error {code})")):
        assert os.strerror(code) in lacking(error) and "free some space" in lacking(error)


def test_what_failed_again_while_cleaning_up_is_told_by_its_cause():
    def fail():
        try:
            bytearray(2**60)
        finally:
            raise ValueError("I/O operation on closed file")

    assert lacking(raised(fail)).startswith("not enough memory")


@pytest.mark.parametrize("error", [ValueError("x"), OSError(errno.EACCES, "Permission denied"), UserError("--slice 7")])
def test_other_errors_are_left_alone(error):
    assert lacking(error) is None
