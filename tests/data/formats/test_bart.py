"""BART's files against bytes that are written here by hand, and against its own program where it is installed."""

import shutil
import subprocess

import numpy as np
import pytest
import torch

from mrilab.data.formats import read_any
from mrilab.data.formats.bart import write_bart
from mrilab.errors import UserError


def random(shape, seed=1):
    generator = np.random.default_rng(seed)
    return (generator.normal(size=shape) + 1j * generator.normal(size=shape)).astype(np.complex64)


def write_by_hand(folder, array, dimensions):
    """Array of 16 dimensions, first index fastest."""
    (folder / "a.hdr").write_text("# Dimensions\n" + " ".join(map(str, dimensions)) + "\n# Command\nphantom\n")
    (folder / "a.cfl").write_bytes(array.ravel(order="F").tobytes())
    return folder / "a.cfl"


@pytest.mark.parametrize("suffix", [".cfl", ".hdr", ""])
def test_dimensions_are_readout_phase_coils_and_slices(tmp_path, suffix):
    array = random((12, 10, 3, 2))  # readout, phase, coils, slices
    path = write_by_hand(tmp_path, array, [12, 10, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1])
    name, raw = read_any(path.with_suffix(suffix))
    assert name == "BART" and raw.kspace.dtype == torch.complex64
    for s in range(2):
        for c in range(3):
            np.testing.assert_array_equal(raw.kspace[s, c].numpy(), array[:, :, c, s])


def test_fewer_than_sixteen_dimensions_are_enough(tmp_path):
    array = random((12, 10, 3))
    raw = read_any(write_by_hand(tmp_path, array, [12, 10, 1, 3]))[1]
    np.testing.assert_array_equal(raw.kspace[0].numpy(), array.transpose(2, 0, 1))


def test_what_is_written_is_column_major_and_comes_back(tmp_path):
    array = random((2, 3, 12, 10))
    data, header = write_bart(tmp_path / "b.cfl", torch.from_numpy(array))
    assert header.read_text().split("\n")[1] == "12 10 1 3 1 1 1 1 1 1 1 1 1 2 1 1"
    flat = np.frombuffer(data.read_bytes(), np.complex64)
    for s, c, h, w in [(0, 0, 0, 0), (1, 2, 11, 9), (1, 0, 5, 3), (0, 2, 4, 8)]:
        assert flat[h + 12 * (w + 10 * (c + 3 * s))] == array[s, c, h, w]
    np.testing.assert_array_equal(read_any(data)[1].kspace.numpy(), array)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.cfl", "b.hdr"]


@pytest.mark.parametrize(
    ("dimension", "words"),
    [(2, "2 (second phase encoding)"), (4, "4 (maps)"), (5, "5 (echo times)"), (10, "10 (time)"), (7, "7")],
)
def test_other_dimensions_are_refused_by_name(tmp_path, dimension, words):
    dimensions = [12, 10, 1, 3] + [1] * 12
    dimensions[dimension] = 4
    path = write_by_hand(tmp_path, random((12, 10, 3, 4)), dimensions)
    with pytest.raises(UserError) as caught:
        read_any(path)
    assert f"longer than 1 along dimension {words};" in str(caught.value)


def test_damage_is_a_sentence(tmp_path):
    path = write_by_hand(tmp_path, random((12, 10, 3)), [12, 10, 1, 4])
    with pytest.raises(UserError, match="has 2880 bytes"):
        read_any(path)
    (tmp_path / "a.hdr").write_text("nothing\n")
    with pytest.raises(UserError, match="does not state the dimensions of a.cfl"):
        read_any(path)
    (tmp_path / "a.hdr").unlink()
    with pytest.raises(UserError, match="there is no file .*a.hdr"):
        read_any(path)


@pytest.mark.skipif(shutil.which("bart") is None, reason="BART is not installed (Debian package bart)")
def test_a_phantom_of_bart_is_read_as_bart_transforms_it(tmp_path):
    for command in ("phantom -x 32 -s 4 -k ksp", "fft -iu 3 ksp coils", "rss 8 coils image"):
        subprocess.run(["bart", *command.split()], cwd=tmp_path, check=True)
    from mrilab.physics import rss

    image = np.fromfile(tmp_path / "image.cfl", np.complex64).reshape((32, 32), order="F")
    raw = read_any(tmp_path / "ksp.cfl")[1]
    np.testing.assert_allclose(rss(raw.kspace[0]).numpy(), abs(image), rtol=1e-4, atol=1e-5)
