"""`convdecoder`: what it fits, what it returns and what it refuses."""

import pytest
import torch

from mrilab.anatomy.ellipsoids import random_ellipses
from mrilab.baselines import convdecoder as module
from mrilab.baselines.convdecoder import ConvDecoder, convdecoder
from mrilab.errors import UserError
from mrilab.evaluation.experiments import find_experiment, read_results
from mrilab.physics import SenseModel, equispaced_mask, normalise_maps
from mrilab.physics.noise import complex_noise

SHAPE = (24, 21)
FEW = {"iterations": 3, "width": 4, "layers": 3}


def complex_normal(*shape, generator):
    return complex_noise(shape, generator)


def problem(shape=SHAPE, coils=3, acceleration=2, seed=5):
    """(y, model, image): an ellipse phantom in smooth coils, without noise."""
    generator = torch.Generator().manual_seed(seed)
    image = random_ellipses(5, generator).image(shape)
    u, v = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in shape), indexing="ij")
    tilt = torch.randn(coils, 2, generator=generator)
    maps = normalise_maps(torch.stack([torch.exp((0.5 + 1j) * (a * u + b * v)) for a, b in tilt]))
    mask = torch.ones(1, 1, dtype=torch.bool) if acceleration == 1 else equispaced_mask(shape, acceleration)
    model = SenseModel(maps.to(torch.complex64), mask)
    image = image.to(torch.complex64)
    return model.forward(image), model, image


def run(y, model, seed=1, progress=iter, **options):
    return convdecoder(y, model, generator=torch.Generator().manual_seed(seed), progress=progress, **FEW | options)


def error(made, expected):
    return float((made - expected).norm() / expected.norm())


@pytest.mark.parametrize("shape", [(16, 16), (17, 31)])
@pytest.mark.parametrize("coils", [1, 4])
@pytest.mark.parametrize("data_consistency", [True, False])
def test_the_image_is_complex_finite_and_of_the_size_of_the_scan(shape, coils, data_consistency):
    y, model, _ = problem(shape, coils)
    made = run(y, model, data_consistency=data_consistency)
    assert made.shape == shape and made.dtype == torch.complex64
    assert torch.isfinite(made).all() and not made.requires_grad


def test_all_lines_of_a_phantom_give_its_image():
    y, model, image = problem((32, 29), acceleration=1)
    options = {"iterations": 300, "width": 16, "layers": 5, "data_consistency": False}
    assert error(run(y, model, **options), image) < 0.05
    # where everything was measured, nothing is left of the network
    assert error(run(y, model, data_consistency=True), image) < 1e-5


def test_it_overfits_a_tiny_example_without_noise():
    y, model, _ = problem((12, 10))
    made = run(y, model, iterations=600, width=16, layers=3, data_consistency=False)
    assert error(model.forward(made), y) < 0.01


def test_bfloat16_ends_near_float32_and_is_not_the_same():
    y, model, image = problem((32, 29), acceleration=1)
    options = {"iterations": 200, "width": 16, "layers": 5, "data_consistency": False}
    exact, lower = (run(y, model, precision=p, **options) for p in ("float32", "bfloat16"))
    assert not torch.equal(exact, lower) and lower.dtype == torch.complex64
    assert error(lower, image) < error(exact, image) + 0.02 < 0.1


def test_a_power_of_two_changes_no_bit_however_long_the_fit():
    y, model, _ = problem()
    assert torch.equal(2**20 * run(2**-20 * y, model, iterations=40), run(y, model, iterations=40))


def test_seeds_decide_and_torchs_own_generator_is_left_alone():
    y, model, _ = problem()
    before = torch.get_rng_state()
    first, again, other = (run(y, model, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again) and not torch.allclose(first, other)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_caller_may_have_switched_gradients_off(mode):
    expected = run(*problem()[:2])
    with mode():  # the tensors of scan and model are made in it, too
        y, model, _ = problem()
        made = run(y, model)
    assert torch.equal(made, expected)


def test_the_gradient_by_hand_is_that_of_the_misfit(monkeypatch):
    """x.backward(A^H (A x - y)) against automatic differentiation of 1/2 ||A G(z) - y||^2 through the forward model."""
    y, model, _ = problem()
    seen = {}

    class Recorder(torch.optim.SGD):
        def step(self):
            seen["ours"] = [parameter.grad.clone() for group in self.param_groups for parameter in group["params"]]

    monkeypatch.setattr(torch.optim, "Adam", Recorder)
    network = ConvDecoder(SHAPE, 4, 3, torch.Generator().manual_seed(1))
    module._fit(network, model, model.adjoint(y), range(1), 0.0, False)
    network.zero_grad()
    (model.forward(network()) - y).abs().square().sum().div(2).backward()
    for ours, parameter in zip(seen["ours"], network.parameters(), strict=True):
        torch.testing.assert_close(ours, parameter.grad, rtol=1e-3, atol=1e-4)


def test_the_misfit_is_that_of_the_data():
    y, model, _ = problem()
    x = complex_normal(*SHAPE, generator=torch.Generator().manual_seed(2))
    target = model.adjoint(y)
    ours = module._twice_misfit(x, model.normal(x) - target, target)
    expected = (model.forward(x) - y).abs().square().sum() - y.abs().square().sum()
    assert ours == pytest.approx(float(expected), rel=1e-4)


def test_the_image_of_the_lowest_misfit_counts():
    y, model, _ = problem()
    made = []

    def spy(steps):
        for step in steps:
            made.append(run(y, model, iterations=step + 1, learning_rate=0.3, data_consistency=False))
            yield step

    last = run(y, model, iterations=12, learning_rate=0.3, data_consistency=False, progress=spy)
    misfits = [error(model.forward(each), y) for each in made]
    assert misfits == sorted(misfits, reverse=True)
    assert len(set(misfits)) < len(misfits), "at this rate some steps make it worse"
    assert torch.equal(last, made[-1])


def test_data_consistency_puts_the_measured_lines_into_every_coil_image():
    y, model, _ = problem()
    network_alone = run(y, model, data_consistency=False)
    full = SenseModel(model.coil_maps, torch.ones(1, 1, dtype=torch.bool))
    expected = full.adjoint(torch.where(model.mask, y, full.forward(network_alone)))
    torch.testing.assert_close(run(y, model), expected, rtol=1e-4, atol=1e-5)


def test_the_defaults_are_what_the_stored_tuning_chose():
    rows = read_results("convdecoder_tuning").set_index(["learning_rate", "iterations"])
    assert len(rows) == len(find_experiment("convdecoder_tuning").cases())
    assert rows["psnr"].idxmax() == (module.LEARNING_RATE, module.ITERATIONS)


def test_progress_counts_the_iterations():
    counted = []
    run(*problem()[:2], iterations=5, progress=lambda steps: counted.extend(steps) or steps)
    assert counted == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 0}, "--iterations 0 is not possible; give 1 or more"),
        ({"width": 0}, "--width 0 is not possible; give 1 or more"),
        ({"layers": 1}, "--layers 1 is not possible; give 2 or more"),
        ({"learning_rate": 0.0}, "--learning-rate 0 is not possible; give a number above 0"),
        ({"learning_rate": float("nan")}, "--learning-rate nan is not possible"),
        ({"learning_rate": 1e30}, "no longer finite at iteration 2; use a smaller --learning-rate"),
    ],
)
def test_what_cannot_work_is_one_sentence(options, message):
    with pytest.raises(UserError, match=message):
        run(*problem()[:2], **options)


@pytest.mark.parametrize("value", [0, float("nan")])
def test_data_without_a_signal_are_refused(value):
    y, model, _ = problem()
    with pytest.raises(UserError, match="the scale of the data is zero or not finite"):
        run(y * value, model)
