import pytest
import torch
from torch.func import functional_call

from mrilab.baselines.modl import START_WEIGHT, MoDL
from mrilab.physics import Acquisition, SenseModel, conjugate_gradients, equispaced_mask, poisson_mask

MASKS = {
    "vertical": lambda shape: equispaced_mask(shape, 2, acs=2),
    "horizontal": lambda shape: equispaced_mask(shape, 2, "horizontal", acs=2),
    "points": lambda shape: poisson_mask(shape, 2, acs=2, generator=torch.Generator().manual_seed(0)),
}


def tiny(awake, **size):
    return awake(MoDL(**{"width": 4, "unrolls": 2, "iterations": 3} | size).double())


def test_it_has_the_size_of_the_paper_and_fits_a_checkpoint():
    network = MoDL()
    assert sum(parameter.numel() for parameter in network.parameters()) == 223_939  # the paper says 220 thousand
    assert network.config == {"width": 64, "unrolls": 6, "iterations": 6}
    convolutions = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [each.out_channels for each in convolutions] == [64] * 7 + [2]


def test_as_built_it_is_repeated_regularised_least_squares(problem):
    y, mask, maps, _ = problem(MASKS["vertical"]((8, 8)))
    model = SenseModel(maps, mask)
    x = adjoint = model.adjoint(y)
    for _ in range(3):
        x = conjugate_gradients(
            lambda v: model.normal(v) + START_WEIGHT * v, adjoint + START_WEIGHT * x, iterations=200, tolerance=1e-13
        )
    ours = MoDL(width=2, unrolls=3, iterations=80).double()(Acquisition(y, mask, maps)).image
    torch.testing.assert_close(ours, x, atol=1e-7, rtol=1e-7)  # the starting weight is a float32


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize(("shape", "coils", "n"), [((9, 12), 1, 1), ((8, 7), 5, 3)])
def test_any_shape_mask_batch_and_number_of_coils(kind, shape, coils, n, awake, problem):
    y, mask, maps, _ = problem(MASKS[kind](shape), shape, coils, n)
    network = tiny(awake)
    states = network(Acquisition(y, mask, maps)).states
    x = states[-1]
    assert states.shape == (3, n, *shape) and torch.isfinite(torch.view_as_real(x)).all()
    with torch.no_grad():  # the forward model takes another way then
        torch.testing.assert_close(network(Acquisition(y, mask, maps)).image, x, atol=1e-12, rtol=1e-12)


def test_images_of_a_batch_have_their_own_masks_and_do_not_mix(awake, problem):
    masks = torch.stack([MASKS["vertical"]((8, 8)), equispaced_mask((8, 8), 3, acs=1)])  # (2, 1, W)
    y, masks, maps, _ = problem(masks)
    network = tiny(awake)
    alone = [network(Acquisition(y[n], masks[n], maps[n]).batch()).image for n in range(2)]
    torch.testing.assert_close(network(Acquisition(y, masks, maps)).image, torch.cat(alone), atol=1e-12, rtol=1e-12)


def test_gradients_against_finite_differences(awake, problem):
    y, mask, maps, _ = problem(MASKS["vertical"]((4, 5)), (4, 5), coils=2, n=2)
    network = tiny(awake, width=2)
    names = ("log_weight", "residual.0.weight", "residual.4.bias")
    chosen = [dict(network.named_parameters())[name].detach().clone().requires_grad_() for name in names]

    def run(y, *values):
        return functional_call(network, dict(zip(names, values, strict=True)), (Acquisition(y, mask, maps),)).image

    assert torch.autograd.gradcheck(run, [y.requires_grad_(), *chosen], fast_mode=True)


def test_every_weight_gets_a_gradient(awake, problem):
    y, mask, maps, _ = problem(MASKS["points"]((8, 8)))
    network = tiny(awake)
    network(Acquisition(y, mask, maps)).image.abs().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_the_network_gets_channels_last_without_a_copy(awake, problem):
    seen, network = [], tiny(awake)
    network.residual.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(Acquisition(*problem(MASKS["vertical"]((8, 8)))[:3]))
    assert len(seen) == 2 and all(each.is_contiguous(memory_format=torch.channels_last) for each in seen)


def test_bf16_keeps_to_complex64(awake, problem):
    y, mask, maps, _ = problem(MASKS["vertical"]((16, 16)), (16, 16), dtype=torch.complex64)
    network = awake(MoDL(width=8, unrolls=2), 0.05)
    single = network(Acquisition(y, mask, maps)).image
    with torch.autocast("cpu", torch.bfloat16):
        half = network(Acquisition(y, mask, maps)).image
    assert single.dtype == half.dtype == torch.complex64
    assert 0 < (half - single).abs().max() / single.abs().max() < 0.05


def test_it_overfits_one_example(problem):
    """The undersampled random image cannot be solved for; the network has to remember it."""
    torch.manual_seed(0)
    y, mask, maps, image = problem(equispaced_mask((32, 32), 4, acs=4), (32, 32), 1, 1, torch.complex64)
    network = MoDL(width=16, unrolls=3, iterations=3)
    optimizer, losses = torch.optim.Adam(network.parameters(), lr=5e-3), []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (network(Acquisition(y, mask, maps)).image - image).abs().square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
