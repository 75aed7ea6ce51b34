import pytest
import torch
from torch import nn

from mrilab.baselines.convdecoder import ConvDecoder, _sizes


def decoder(shape=(20, 17), width=4, layers=4, seed=1):
    return ConvDecoder(shape, width, layers, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(16, 16), (33, 7), (5, 40), (2, 3)])
@pytest.mark.parametrize("layers", [2, 3, 7])
def test_it_makes_a_complex_image_of_any_size(shape, layers):
    image = decoder(shape, layers=layers)()
    assert image.shape == shape and image.dtype == torch.complex64
    assert torch.isfinite(image).all() and image.abs().std() > 0


def test_sizes_grow_by_a_constant_factor_up_to_the_image():
    assert _sizes((8, 8), (128, 64), 4) == [(16, 14), (32, 23), (64, 39), (128, 64)]
    # the authors' sizes for 640 x 368 from 8 x 4 in eight layers
    assert _sizes((8, 4), (640, 368), 7) == [(15, 8), (28, 15), (53, 28), (98, 53), (183, 102), (343, 193), (640, 368)]


def test_layers_stand_in_the_order_of_the_authors():
    up, layer = ["Upsample"], ["Conv2d", "ReLU", "BatchNorm2d"]
    names = [type(each).__name__ for each in decoder(layers=3).network]
    assert names == (up + layer) * 2 + layer + ["Conv2d"]


def test_each_generator_is_another_network_and_torchs_own_is_left_alone():
    before = torch.get_rng_state()
    first, again, other = decoder(seed=1), decoder(seed=1), decoder(seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    tensors = (each.state_dict().values() for each in (first, again, other))
    for ours, same, another in zip(*tensors, strict=True):
        assert torch.equal(ours, same)
        assert not torch.equal(ours, another) or float(ours.std()) == 0  # batch norm starts with ones and zeros
    assert torch.equal(first(), again()) and not torch.allclose(first(), other())


def test_the_first_weights_are_spread_as_torchs_own():
    convolution = next(part for part in decoder(width=32).network if isinstance(part, nn.Conv2d))
    for parameter, own in zip(convolution.parameters(), nn.Conv2d(32, 32, 3).parameters(), strict=True):
        torch.testing.assert_close(parameter.abs().max(), own.abs().max(), rtol=0.2, atol=0)
    torch.testing.assert_close(convolution.weight.std(), own.new_tensor((32 * 9) ** -0.5 / 3**0.5), rtol=0.05, atol=0)


def test_gradients_reach_every_weight_and_not_the_input():
    network = decoder()
    network().abs().square().sum().backward()
    assert all(float(each.grad.abs().sum()) > 0 for each in network.parameters())
    assert not network.z.requires_grad


def test_gradients_against_finite_differences():
    network = decoder((6, 5), width=3, layers=3).double()
    probe = torch.randn(6, 5, dtype=torch.complex128, generator=torch.Generator().manual_seed(3))
    names, values = zip(*network.named_parameters(), strict=True)

    def value(*weights):
        image = torch.func.functional_call(network, dict(zip(names, weights, strict=True)), ())
        return torch.vdot(probe.flatten(), image.flatten()).real

    assert torch.autograd.gradcheck(value, values)


def test_evaluation_mode_changes_nothing():
    network = decoder()
    expected = network()
    assert torch.equal(network.eval()(), expected)


@pytest.mark.parametrize(("width", "layers"), [(0, 4), (4, 1)])
def test_what_cannot_be_built_says_so(width, layers):
    with pytest.raises(ValueError, match="width must be 1 or more and layers 2 or more"):
        decoder(width=width, layers=layers)
