"""Every network, forward and backward, on the device against the CPU; beside it, bf16 on the device."""

import pytest
import torch

from mrilab.baselines.convdecoder import ConvDecoder
from mrilab.baselines.istanet import ISTANet
from mrilab.baselines.modl import MoDL
from mrilab.baselines.varnet import VarNet
from mrilab.csgm.denoiser import Denoiser
from mrilab.flat.network import FLAT, RULES
from mrilab.physics import complex_noise, equispaced_mask
from mrilab.physics.coils import calibration_lines
from mrilab.physics.protocol import Acquisition

on_cpu = pytest.mark.gpu(on_cpu=True)
SIDE = 32
MASK = equispaced_mask((SIDE, SIDE), 3, acs=8)
# Rounding through tens of layers and conjugate gradients. bfloat16 has 8 bits: 0.4 % in every layer.
TOLERANCES = {"float64": 1e-9, "float32": 1e-3, "bfloat16": 0.2}

UNROLLED = {
    "MoDL": lambda: MoDL(width=8, unrolls=3, iterations=4),
    "VarNet": lambda: VarNet(width=4, cascades=2, maps_width=4),
    "ISTA-Net+": lambda: ISTANet(width=8, phases=3),
    **{f"FLAT, {rule}": lambda rule=rule: FLAT(width=8, cascades=3, rule=rule) for rule in RULES},
    "FLAT, derived, conjugate gradients": lambda: FLAT(width=8, cascades=3, iterations=4),
    "FLAT, CNN, shared, noise": lambda: FLAT(width=8, cascades=3, shared=True, s=0.2, backbone="cnn"),
}


@pytest.fixture
def scan(problem):
    y, mask, maps, image = problem(MASK, (SIDE, SIDE), coils=4)
    return Acquisition(y, mask, maps, image, calibration_lines(mask, (SIDE, SIDE)))


def output(network, scan):
    """The last state (n, H, W)."""
    if not isinstance(network, FLAT):
        return network(scan).states[-1]
    eps = complex_noise(scan.reference.shape, torch.Generator().manual_seed(3)).to(scan.reference)
    return network(scan, eps=eps, steps=5 if network.shared else None).states[-1]


def both(name, compare, network, compute):
    """The output of `compute(network, place)` and the gradient of its energy, as one vector."""

    def gradient(place):
        moved = place(network)
        compute(moved, place).abs().square().mean().backward()
        return torch.cat([p.grad.flatten() for p in moved.parameters() if p.grad is not None])

    with torch.no_grad():
        compare(name, lambda place: compute(place(network), place), **TOLERANCES)
    compare(f"{name}, gradient", gradient, **TOLERANCES)


QUICK = ("MoDL", "FLAT, CNN, shared, noise")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.gpu(on_cpu=name in QUICK), id=name) for name in UNROLLED]
)
def test_unrolled_networks(name, compare, scan, awake):
    network = awake(UNROLLED[name]())
    both(name, compare, network, lambda moved, place: output(moved, Acquisition(*map(place, scan))))


@on_cpu
@pytest.mark.parametrize("shape", [(SIDE, SIDE), (29, 38)])
def test_denoiser(shape, compare, awake):
    """Half of a float64 is lost where MONAI embeds the noise level, which it does in float32."""
    network = awake(Denoiser(width=8), std=0.05)
    x = complex_noise((3, *shape), torch.Generator().manual_seed(0), torch.float64)
    sigma = torch.tensor([0.01, 0.3, 2.0], dtype=torch.float64)
    with torch.no_grad():
        compare(
            f"Denoiser, {shape[0]} x {shape[1]}",
            lambda place: place(network)(place(x), place(sigma)),
            **{**TOLERANCES, "float64": 1e-5},
        )


@on_cpu
def test_convdecoder(compare):
    network = ConvDecoder((40, 24), 8, 4, torch.Generator().manual_seed(0))
    both("ConvDecoder", compare, network, lambda moved, place: moved())
