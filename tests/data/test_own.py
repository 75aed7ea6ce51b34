"""The user's scans in the cache: right, complete, made once."""

import os
import warnings

import numpy as np
import pytest
import torch
from own_scans import write_scans

from mrilab.data import own
from mrilab.data.own import find_scans, prepare_scans
from mrilab.data.scans import read_scan, write_scan
from mrilab.errors import UserError
from mrilab.physics import equispaced_mask
from mrilab.physics.protocol import full_reference


def random_kspace(shape, seed=0):
    return torch.randn(shape, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))


def test_a_cached_slice_is_the_scan_with_its_reference_over_its_quantile(tmp_path):
    (path,) = write_scans(tmp_path / "scans", 1)
    (scan,) = prepare_scans(find_scans(tmp_path / "scans"), (None, 32), tmp_path / "cache")
    kspace, maps, reference = scan.read(0, "kspace", "maps", "reference")
    raw = read_scan(path).kspace[0]
    image = full_reference(raw)
    scale = float(np.quantile(image.abs().numpy(), 0.99))
    torch.testing.assert_close(kspace * scale, raw, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(reference * scale, image, rtol=1e-4, atol=1e-6)
    assert (scan.slices, scan.coils, scan.shape) == (1, 8, (32, 32)) and bool(scan.acquired.all())
    # independently: the reference is the sum of the coil images, each against its map
    shifted = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace.numpy(), axes=(1, 2)), norm="ortho"), axes=(1, 2))
    np.testing.assert_allclose((shifted * maps.numpy().conj()).sum(0), reference.numpy(), atol=2e-5)


def test_many_coils_become_eight_that_keep_the_signal(tmp_path):
    (path,) = write_scans(tmp_path / "scans", 1)
    eight = read_scan(path).kspace[0]
    mixing = torch.linalg.qr(random_kspace((12, 12))).Q[:, :8]  # 12 coils that span 8 dimensions
    write_scan(path, torch.einsum("vc,chw->vhw", mixing, eight)[None])
    (scan,) = prepare_scans(find_scans(tmp_path / "scans"), (None, 32), tmp_path / "cache")
    kspace, reference = scan.read(0, "kspace", "reference")
    assert scan.coils == 12 and len(kspace) == 8
    image = full_reference(eight)
    expected = image.abs() / torch.quantile(image.abs(), 0.99)
    torch.testing.assert_close(reference.abs(), expected, atol=0.02, rtol=0)


def test_wider_scans_are_cropped_in_kspace_and_narrower_ones_padded_as_not_acquired(tmp_path):
    write_scans(tmp_path / "scans", 1)
    found = find_scans(tmp_path / "scans")
    (narrow,) = prepare_scans(found, (None, 40), tmp_path / "cache")
    (kspace,) = narrow.read(0, "kspace")
    assert narrow.shape == (32, 40) and narrow.acquired.shape == (1, 40)
    lines = narrow.acquired[0]
    assert int(lines.sum()) == 32 and bool(lines[4:36].all()) and not kspace[..., ~lines].any()
    (wide,) = prepare_scans(found, (None, 24), tmp_path / "cache")
    raw = read_scan(found[0].path).kspace[0]
    (cropped,) = wide.read(0, "kspace")
    ratio = cropped / raw[:, :, 4:28]
    torch.testing.assert_close(ratio, ratio[0, 0, 0].expand_as(ratio), rtol=1e-3, atol=1e-6)


def test_what_cannot_be_learned_from_is_left_out_and_said(tmp_path):
    folder = tmp_path / "scans"
    write_scans(folder, 1)
    write_scans(folder, 1, first=1, mask=equispaced_mask((32, 32), 4))
    (folder / "broken.h5").write_bytes(b"no scan")
    kspace = read_scan(folder / "patient-00.h5").kspace.repeat(3, 1, 1, 1)
    kspace[2] = float("nan")
    write_scan(folder / "volume.h5", kspace)
    with pytest.warns(UserWarning) as notes:
        scans = prepare_scans(find_scans(folder), (None, 32), tmp_path / "cache")
    said = [str(note.message) for note in notes]
    assert [scan.slices for scan in scans] == [1, 2]
    assert any("broken.h5 is not an HDF5 file" in text for text in said)
    assert any("patient-01.h5 is undersampled" in text for text in said)
    assert any("slices 2 of" in text and "volume.h5" in text for text in said)


@pytest.mark.parametrize(("make", "sentence"), [(False, "is not a folder"), (True, "no fully sampled scan among 0")])
def test_a_folder_without_scans_is_told_in_a_sentence(make, sentence, tmp_path):
    folder = tmp_path / "scans"
    if make:
        folder.mkdir()
    with pytest.raises(UserError, match=sentence):
        find_scans(folder)


def test_it_goes_on_where_it_was_interrupted_and_makes_anew_what_has_changed(tmp_path, monkeypatch):
    paths = write_scans(tmp_path / "scans", 3)
    made, real = [], own._prepare

    def prepare(scan, *rest):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(scan.path.name)
        real(scan, *rest)

    monkeypatch.setattr(own, "_prepare", prepare)
    found = find_scans(tmp_path / "scans")
    with pytest.raises(KeyboardInterrupt):
        prepare_scans(found, (None, 32), tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2
    made.clear()
    assert len(prepare_scans(found, (None, 32), tmp_path / "cache")) == 3 and made == ["patient-02.h5"]
    made.clear()
    os.utime(paths[1], ns=(0, 0))
    prepare_scans(found, (None, 32), tmp_path / "cache")
    assert made == ["patient-01.h5"]
    assert not any("patient" in file.name for file in (tmp_path / "cache").iterdir())


def test_processes_that_start_together_begin_with_different_scans(tmp_path, monkeypatch):
    write_scans(tmp_path / "scans", 4)
    made, real = [], own._prepare
    monkeypatch.setattr(own, "_prepare", lambda scan, *rest: (made.append(scan.path.name), real(scan, *rest)))
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    prepare_scans(find_scans(tmp_path / "scans"), (None, 32), tmp_path / "cache")
    assert [name[8:10] for name in made] == ["01", "03", "00", "02"]


def test_too_little_disk_and_a_damaged_cache_are_told_in_a_sentence(tmp_path, monkeypatch):
    write_scans(tmp_path / "scans", 1)
    found = find_scans(tmp_path / "scans")
    with monkeypatch.context() as small:
        small.setattr(own.shutil, "disk_usage", lambda _: type("usage", (), {"free": 10})())
        with pytest.raises(UserError, match="the scans need .* GB in .*, where 0.0 GB are free"):
            prepare_scans(found, (None, 32), tmp_path / "cache")
    (scan,) = prepare_scans(found, (None, 32), tmp_path / "cache")
    scan.file.write_bytes(b"damaged")
    with pytest.raises(UserError, match="is gone or damaged; remove it"):
        scan.read(0, "kspace")
    with warnings.catch_warnings(), pytest.raises(UserError, match="is damaged; remove it"):
        prepare_scans(found, (None, 32), tmp_path / "cache")
