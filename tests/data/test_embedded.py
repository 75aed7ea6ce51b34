"""The fixed scans on disk."""

import json
import os
import subprocess
import sys

import h5py
import pytest
import torch
from typer.testing import CliRunner

from mrilab.anatomy.knee import STRUCTURES
from mrilab.anatomy.lesions import LABELS
from mrilab.cli import app
from mrilab.data import embedded
from mrilab.data.recipes import RECIPES, Recipe, find_recipe, simulate
from mrilab.data.scans import read_scan
from mrilab.data.sheets import dataset_sheet
from mrilab.errors import UserError
from mrilab.paths import ROOT
from mrilab.physics.coils import mvue
from mrilab.physics.fourier import ifft2c
from mrilab.physics.scale import quantile_scale


@pytest.fixture
def small(monkeypatch):
    """Two tiny data sets in the place of the real ones."""
    recipes = {
        "heads-small-test": Recipe("clinical", "test", 2, "t2", unseen=1, shape=(48, 40), n_coils=(4, 4)),
        "ellipses-small-test": Recipe("ellipses", "test", 1, shape=(48, 40), n_coils=(4, 4)),
    }
    monkeypatch.setattr("mrilab.data.recipes.RECIPES", recipes)
    monkeypatch.setattr(embedded, "RECIPES", recipes)
    return recipes


def test_the_promised_sets_exist():
    assert RECIPES["heads-t2-test"].count == 12 and RECIPES["heads-t2-val"].count >= 6
    for recipe in RECIPES.values():
        assert recipe.split in ("val", "test") and 8 <= recipe.n_coils[0] <= recipe.n_coils[1] <= 16
        assert not (recipe.split == "val" and recipe.unseen)
    assert {"clinical", "randomised", "knee", "abdomen", "ellipses"} <= {r.anatomy for r in RECIPES.values()}


def test_files_are_fastmri_scans(small, tmp_path):
    files = embedded.dataset("heads-small-test", tmp_path, progress=False)
    assert [file.name for file in files] == ["heads-small-test-00.h5", "heads-small-test-01.h5"]
    for index, file in enumerate(files):
        scan = read_scan(file)
        assert scan.kspace.shape == (1, 4, 48, 40) and scan.mask is None and scan.reference_rss is not None
        assert scan.attrs["acquisition"] == "AXT2" and scan.attrs["noise_std"] == pytest.approx(0.01)
        assert bool(scan.attrs["unseen_slab"]) == (index == 1)
        torch.testing.assert_close(scan.kspace[0], simulate("heads-small-test", index).kspace)
        with h5py.File(file) as raw:
            assert b"ismrmrdHeader" in raw["ismrmrd_header"][()]


def test_a_slab_is_one_file_of_contiguous_slices(monkeypatch, tmp_path):
    recipe = Recipe("clinical", "test", 2, "t2", unseen=1, shape=(48, 40), n_coils=(4, 4), slices=3, lesions=True)
    monkeypatch.setattr("mrilab.data.recipes.RECIPES", {"slab-test": recipe})
    for index, file in enumerate(embedded.dataset("slab-test", tmp_path, progress=False)):
        scan, ours = read_scan(file), simulate("slab-test", index)
        assert scan.kspace.shape == (3, 4, 48, 40) and scan.n_slices == 3
        torch.testing.assert_close(scan.kspace, ours.kspace)
        assert ours.truth.shape == ours.labels.shape == (3, 48, 40) and ours.coil_maps.shape == (4, 48, 40)
        assert scan.header["encoded_fov_mm"] == pytest.approx(ours.header["encoded_fov_mm"])
        # pixels are square: 226 to 256 mm along the 48 rows, five sixths of it along the 40 columns
        assert 226 <= scan.header["encoded_fov_mm"][0] <= 256 and scan.header["encoded_fov_mm"][2] == 5.0
        has = bool((ours.labels == LABELS.index("lesion")).any())
        assert bool(scan.attrs["lesions"]) == has == (index == 1)
    dataset_sheet(tmp_path / "sheet.png", "slab-test")
    assert (tmp_path / "sheet.png").stat().st_size > 5000


def test_every_second_slab_has_lesions_that_can_be_found():
    assert [name for name, recipe in RECIPES.items() if recipe.lesions] == ["heads-t2-slab-val", "heads-t2-slab-test"]
    for name, index in (("heads-t2-slab-val", 0), ("heads-t2-slab-val", 1), ("heads-t2-slab-test", 5)):
        scan = simulate(name, index)
        # one factor for all slices makes the quantile 1 on the fine grid; cutting k-space takes the finest peaks
        assert 0.9 < float(quantile_scale(scan.truth.flatten(0, 1))) < 1.0
        assert float(quantile_scale(scan.truth).std()) > 0.005
        found = int((scan.labels == LABELS.index("lesion")).sum())
        assert scan.attrs["lesions"] == (index % 2 == 1) and (found > 50 if index % 2 else found == 0)


@pytest.mark.parametrize("name", ["knee-fine-val", "knee-fine-test"])
def test_condyles_on_a_fine_grid_show_every_cartilage(name):
    scan = simulate(name, 0)
    assert scan.kspace.shape == (8, 192, 192) and scan.header["encoded_fov_mm"] == (160.0, 160.0, 5.0)
    for part in ("patellar_cartilage", "femoral_cartilage", "tibial_cartilage", "meniscus"):
        assert (scan.labels == STRUCTURES.index(part)).sum() > 80


def test_building_again_touches_nothing_and_mends_what_is_missing(small, tmp_path):
    built = embedded.build(tmp_path, progress=False)
    times = {file: file.stat().st_mtime_ns for files in built.values() for file in files}
    assert embedded.build(tmp_path, progress=False) == built
    assert times == {file: file.stat().st_mtime_ns for file in times}
    built["heads-small-test"][1].unlink()
    embedded.build(tmp_path, progress=False)
    assert built["heads-small-test"][1].is_file()
    ellipses = built["ellipses-small-test"][0]
    assert ellipses.stat().st_mtime_ns == times[ellipses]


def test_other_code_means_other_data(small, tmp_path):
    file = embedded.dataset("ellipses-small-test", tmp_path, progress=False)[0]
    manifest = file.parent / embedded.MANIFEST
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"fingerprint": "old"}))
    before = file.stat().st_mtime_ns
    embedded.dataset("ellipses-small-test", tmp_path, progress=False)
    assert file.stat().st_mtime_ns > before
    manifest.write_text("{half a manif")
    embedded.dataset("ellipses-small-test", tmp_path, progress=False)
    assert json.loads(manifest.read_text()) == content


def test_an_interrupted_build_goes_on(small, tmp_path, monkeypatch):
    write, calls = embedded._write, []

    def stop_at_second(path, name, index):
        calls.append(index)
        if len(calls) == 2:
            raise KeyboardInterrupt
        write(path, name, index)

    monkeypatch.setattr(embedded, "_write", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        embedded.dataset("heads-small-test", tmp_path, progress=False)
    assert not (tmp_path / "heads-small-test" / embedded.MANIFEST).exists()
    assert len(embedded.dataset("heads-small-test", tmp_path, progress=False)) == 2


@pytest.mark.parametrize(
    "name", ["heads-t2-test", "heads-randomised-test", "knee-test", "abdomen-test", "ellipses-test"]
)
def test_truth_maps_and_noise_belong_to_the_scan(name):
    """What is left of the data when truth and true maps are taken away is noise of the stated strength.

    The median tells, because the finer grid of the simulation leaves more than noise where maps meet edges.
    """
    scan = simulate(name, 0)
    norm = scan.coil_maps.abs().square().sum(0).sqrt()
    image = mvue(scan.kspace, scan.coil_maps)
    noise = (image - norm * scan.truth)[norm > 0]
    measured = float(torch.view_as_real(noise).abs().median()) / 0.6745  # the median of |N(0, 1)|
    assert measured == pytest.approx(scan.attrs["noise_std"], rel=0.1)
    assert scan.labels.shape == scan.truth.shape and scan.labels.dtype == torch.uint8
    assert len(scan.labels.unique()) >= 8


def test_fine_grids_leave_no_inverse_crime(monkeypatch):
    """Truth times true maps does not quite explain noise-free data: k-space was cut after the product."""
    quiet = Recipe("clinical", "test", 1, "t2", noise_std=(1e-9, 1e-9))
    monkeypatch.setattr("mrilab.data.recipes.RECIPES", {"quiet-test": quiet})
    scan = simulate("quiet-test", 0)
    explained = scan.coil_maps * scan.truth
    error = (ifft2c(scan.kspace) - explained).norm() / explained.norm()
    assert 1e-4 < float(error) < 0.05


def test_unknown_names_are_user_errors():
    with pytest.raises(UserError, match="no data set 'heads'"):
        find_recipe("heads")
    with pytest.raises(UserError, match="numbered 0 to 11"):
        simulate("heads-t2-test", 12)


def test_command_builds_lists_and_draws(small, tmp_path):
    runner = CliRunner()
    result = runner.invoke(app, ["data", "build", "ellipses-small-test", "--folder", str(tmp_path)])
    assert result.exit_code == 0 and "1 scans" in result.output
    assert "heads-small-test" in runner.invoke(app, ["data", "list"]).output
    result = runner.invoke(app, ["data", "sheet", "heads-small-test", "--folder", str(tmp_path / "sheets")])
    assert result.exit_code == 0 and (tmp_path / "sheets" / "heads-small-test.png").stat().st_size > 5000
    with pytest.raises(UserError, match="no data set"):
        runner.invoke(app, ["data", "build", "nope", "--folder", str(tmp_path)], catch_exceptions=False)


def test_every_set_has_its_data_card_and_sheet():
    card = (ROOT / "data" / "README.md").read_text()
    for name in RECIPES:
        assert f"`{name}`" in card
        sheet = ROOT / "data" / "contact_sheets" / f"{name}.png"
        assert 20_000 < sheet.stat().st_size < 300_000


def test_new_sheets_are_small(tmp_path):
    dataset_sheet(tmp_path / "sheet.png", "heads-t1-test")
    assert 20_000 < (tmp_path / "sheet.png").stat().st_size < 300_000


def test_building_is_silent_where_progress_bars_are_switched_off(tmp_path):
    code = f"from mrilab.data.embedded import build; build({str(tmp_path)!r}, ['ellipses-test'])"
    environment = os.environ | {"TQDM_DISABLE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert len(list((tmp_path / "ellipses-test").glob("*.h5"))) == 6
