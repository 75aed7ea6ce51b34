"""What the widgets of lesson 5, part 2, show for values with known answers."""

import pandas as pd
import pytest
import torch

from mrilab.infomri.images import SIGMA
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.tasks.labelled import measured
from mrilab.infomri.tasks.latent import LatentSegmenter
from mrilab.infomri.tasks.scans import Cases
from mrilab.infomri.tasks.views import answers_view, by_acceleration, linear_estimates, privacy_view
from mrilab.infomri.tasks.widgets import answers_widget, privacy_widget
from mrilab.physics.fourier import fft2c

SIDE = 32


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(1)


@pytest.fixture
def case(generator):
    x = torch.rand(1, 1, SIDE, SIDE, generator=generator)
    outlines = torch.zeros(1, 6, SIDE, SIDE, dtype=torch.bool)
    outlines[..., 8:16, 8:16] = True
    full = fft2c(x.to(torch.complex64))
    return Cases(x, full, torch.ones_like(full), outlines)


@pytest.fixture
def digits(generator):
    images = torch.rand(12, SIDE, SIDE, generator=generator)
    return measured(images, torch.zeros(12, dtype=torch.int64), generator)


def test_answers_are_shown_with_what_they_are_worth(case):
    torch.manual_seed(0)
    network = LatentSegmenter({"by": "learned", "shape": [SIDE, SIDE]}, 8).eval()
    view = answers_view(network, case, 8, 5, 0.5, 1)
    assert [panel.title for panel in view.panels][-4:] == [
        *(f"Answer {n}" for n in (1, 2, 3)),
        "Probability above 0.50",
    ]
    share = torch.as_tensor(view.panels[3].image)
    assert torch.equal(torch.as_tensor(view.panels[-1].image), share > 0.5)
    assert view.text.startswith("8x: Dice of the decision 0.") and view.text.endswith("the raters 0.00.")
    assert answers_widget(network, case).picture.value.count("<figure") == 8


def test_linear_estimate_of_everything_is_the_image_and_of_nothing_the_mean(digits):
    gaussian = GaussianKspace.of_images(digits.x[:, 0], SIGMA)
    everything, nothing = torch.ones(12, SIDE, SIDE), torch.zeros(12, SIDE, SIDE)
    torch.testing.assert_close(
        linear_estimates(digits, everything, gaussian).float(), digits.x[:, 0], atol=0.06, rtol=0
    )
    mean = digits.x.mean((0, 1)).expand(12, -1, -1)
    torch.testing.assert_close(linear_estimates(digits, nothing, gaussian).float(), mean, atol=1e-5, rtol=0)


def test_privacy_is_shown_for_the_beta_that_was_asked_for(digits):
    gaussian = GaussianKspace.of_images(digits.x[:, 0], SIGMA)
    patterns = {0.0: torch.full((SIDE, SIDE), 0.25), -0.01: torch.full((SIDE, SIDE), 0.125)}
    view = privacy_view(patterns, {0.0: 0.9, -0.01: 0.5}, digits, gaussian, -0.01, 3)
    mask = torch.as_tensor(view.panels[1].image)
    assert mask.sum() == SIDE**2 // 8 and view.text.startswith("beta -0.01: 50.0 % of the test digits are named.")
    assert torch.equal(torch.as_tensor(view.panels[2].image), digits.x[3, 0])
    box = privacy_widget(patterns, {0.0: 0.9, -0.01: 0.5}, digits, gaussian)
    assert "beta 0: 90.0 %" in box.picture.value


def test_means_by_acceleration_are_nan_where_nothing_was_measured():
    rows = pd.DataFrame(
        [("a", 4, 0, 0, 0.2), ("a", 4, 0, 1, 0.4), ("b-8", 8, 0, 0, 0.7), ("a", 4, 1, 0, 9.0)],
        columns=["model", "acceleration", "seed", "group", "ged"],
    )
    found = by_acceleration(rows, {"A": "a", "B": "b"}, "ged", (4, 8))
    assert found["A"] == [pytest.approx(0.3), pytest.approx(float("nan"), nan_ok=True)] and found["B"][1] == 0.7
