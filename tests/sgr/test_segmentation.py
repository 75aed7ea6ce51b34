import json

import pytest
import torch
from torch.nn.functional import pad

from mrilab.errors import UserError
from mrilab.sgr.segmentation import ARCHITECTURES, Segmenter
from mrilab.sgr.train import TASKS
from mrilab.training.checkpoints import load_checkpoint, save_checkpoint

CLASSES = ("csf", "lesion")
FACTS = {"data": "heads", "seeds": {"all": 0}, "steps": 3, "minutes": 0.1, "metrics": {"validation_loss": 1.0}}


@pytest.fixture(params=ARCHITECTURES)
def network(request):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Segmenter(CLASSES, request.param, width=8, levels=3).eval()


@pytest.mark.parametrize("shape", [(32, 32), (21, 38), (5, 3)])
def test_images_of_any_shape_get_a_logit_per_class_and_pixel(network, shape, generator):
    x = torch.randn(2, *shape, dtype=torch.complex64, generator=generator)
    assert network(x).shape == (2, 3, *shape)
    assert torch.equal(network(x), network(x.abs()))


def test_padding_is_air_on_the_right_and_below(network, generator):
    x = torch.rand(1, 21, 38, generator=generator)
    by_hand = network(pad(x, (0, 2, 0, 3)))[..., :21, :38]  # to 24 x 40
    assert torch.equal(network(x), by_hand)


def test_it_does_not_normalise(network, generator):
    x = torch.rand(1, 16, 16, generator=generator)
    assert not torch.allclose(network(x), network(2 * x), atol=1e-3)


def test_the_gradient_with_respect_to_a_complex_image_is_right_and_finite_where_it_is_zero(network, generator):
    network = network.double()
    x = torch.randn(1, 12, 12, dtype=torch.complex128, generator=generator)
    x[0, :6] = 0
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(network(x).square().sum(), x)
    assert gradient.isfinite().all() and (gradient[0, :6] == 0).all()
    direction = torch.randn(1, 12, 12, dtype=torch.complex128, generator=generator)
    direction[0, :6] = 0  # the magnitude has a kink there
    h = 1e-7  # small, as ReLUs have kinks
    with torch.no_grad():
        ahead, behind = (network(x + step * direction).square().sum() for step in (h, -h))
    along = (gradient.conj() * direction).real.sum()
    assert along.item() == pytest.approx((ahead - behind).item() / (2 * h), rel=1e-5)


def test_a_network_is_stored_with_its_classes(network, tmp_path, generator):
    save_checkpoint("toy", network, FACTS, tmp_path)
    loaded, card = load_checkpoint("toy", tmp_path)
    assert card["network"]["kind"] == "segmenter" and loaded.classes == CLASSES
    assert loaded.config == network.config == json.loads(json.dumps(network.config))
    x = torch.rand(1, 16, 16, generator=generator)
    assert torch.allclose(loaded(x), network(x), atol=0.02)  # weights of 11 bits


def test_the_default_is_the_network_of_the_paper():
    strides = [m.stride[0] for m in Segmenter(CLASSES).modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    kernels = {m.weight.shape[0] for m in Segmenter(CLASSES).modules() if isinstance(m, torch.nn.Conv2d)}
    assert strides == [2] * 4 and {16, 32, 64, 128, 256} <= kernels


def test_an_architecture_that_is_not_there():
    with pytest.raises(UserError, match="unknown architecture 'vit'; choose one of unet, segresnet"):
        Segmenter(CLASSES, "vit")


@pytest.mark.parametrize("name", ["segment-t2", "segment-knee"])
def test_the_second_network_has_another_architecture(name):
    first, second = (TASKS[key].build(32, 8, seed).network for seed, key in enumerate((name, f"{name}-second")))
    assert first.classes == second.classes
    assert first.config["architecture"] != second.config["architecture"]
    assert first.state_dict().keys().isdisjoint(second.state_dict())
