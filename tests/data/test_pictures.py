"""A folder of PNG slices."""

import numpy as np
import pytest
import torch
from matplotlib.image import imsave
from typer.testing import CliRunner

from mrilab.cli import app
from mrilab.data.pictures import read_pictures
from mrilab.errors import UserError
from mrilab.physics.scale import quantile_scale
from mrilab.training.checkpoints import load_checkpoint


def save(path, image):
    imsave(path, image, cmap="gray", vmin=0, vmax=1)


@pytest.fixture
def folder(tmp_path):
    generator = np.random.default_rng(0)
    for n in range(12):
        save(tmp_path / f"{n:02d}.png", generator.random((32, 32)))
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def test_pictures_come_in_order_over_their_quantile(folder):
    images = read_pictures(folder)
    assert images.shape == (12, 32, 32) and images.dtype == torch.float32
    torch.testing.assert_close(quantile_scale(images), torch.ones(12, 1, 1))
    first = np.random.default_rng(0).random((32, 32))
    assert np.corrcoef(images[0].numpy().ravel(), first.ravel())[0, 1] > 0.9999


def test_what_cannot_be_learned_from_is_named(folder, tmp_path):
    with pytest.raises(UserError, match="is not a folder"):
        read_pictures(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds 0 PNG files"):
        read_pictures(tmp_path / "empty")
    for name, image, message in (
        ("a.png", np.random.default_rng(1).random((32, 48)), "32 x 48 pixels, the first file 32 x 32"),
        ("b.png", np.full((32, 32), 0.5), "is the same everywhere"),
        ("c.png", np.random.default_rng(1).random((32, 32, 3)), "is in colour"),
    ):
        (save if image.ndim == 2 else imsave)(folder / name, image)
        with pytest.raises(UserError, match=message):
            read_pictures(folder)
        (folder / name).unlink()
    (folder / "d.png").write_bytes(b"not a picture")
    with pytest.raises(UserError, match=r"cannot read .*d\.png"):
        read_pictures(folder)


def test_a_model_learns_from_them(folder, tmp_path):
    out = tmp_path / "run"
    arguments = ["train", "infomri-points", "--profile", "smoke", "--images", str(folder), "--out", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    network, card = load_checkpoint("infomri-points", out)
    assert network.sampling.unit == (32, 32) and folder.name in card["data"] and len(card["task"]["images"]) == 64
    save(folder / "00.png", np.random.default_rng(9).random((32, 32)))
    again = CliRunner().invoke(app, [*arguments, "--resume"])
    assert isinstance(again.exception, UserError) and "other settings" in str(again.exception)
    other = CliRunner().invoke(app, ["train", "score-t2", "--profile", "smoke", "--images", str(folder)])
    assert isinstance(other.exception, UserError) and "does not learn from magnitude images" in str(other.exception)


def test_odd_sizes_are_refused(tmp_path):
    for n in range(2):
        save(tmp_path / f"{n}.png", np.random.default_rng(n).random((30, 30)))
    done = CliRunner().invoke(app, ["train", "infomri-points", "--images", str(tmp_path), "--out", str(tmp_path / "r")])
    assert isinstance(done.exception, UserError) and "square ones" in str(done.exception)
    assert not (tmp_path / "r").exists()
