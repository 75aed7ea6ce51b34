"""Unrolled networks against their convolutions alone, and an acquisition against the training step that it feeds."""

from __future__ import annotations

import torch

from benchmarks.problem import line_mask, phantom_scan
from benchmarks.timing import Row, alternate
from mrilab.baselines.modl import MoDL
from mrilab.baselines.varnet import VarNet
from mrilab.data.shifts import SHIFTS
from mrilab.flat.network import FLAT
from mrilab.physics.coils import calibration_lines
from mrilab.physics.protocol import Acquisition
from mrilab.training.acquisitions import acquisitions
from mrilab.training.losses import ssim

SIDE = 128


def rows() -> list[Row]:
    kspace, maps = phantom_scan(SIDE)
    mask = line_mask(SIDE)
    acs = calibration_lines(mask, (SIDE, SIDE))
    scan = Acquisition(kspace * mask, mask, maps, acs=acs).batch()
    image = torch.randn(1, SIDE, SIDE, dtype=torch.complex64)
    modl, varnet = MoDL(), VarNet()

    def convolutions_of_modl():
        for _ in range(modl.unrolls):
            modl.denoise(image)

    def convolutions_of_varnet():
        varnet.sensitivity.unet(scan.kspace[0])
        for unet in varnet.unets:
            unet(image)

    table = []
    # 36 iterations of conjugate gradients are part of MoDL, not a cost of how it is written: the target allows for them
    for network, floor, target in ((modl, convolutions_of_modl, 1.25), (varnet, convolutions_of_varnet, 1.25)):
        with torch.inference_mode():
            seconds, bare = alternate(lambda n=network: n(scan), floor, rounds=7)
        work = f"{type(network).__name__}, {SIDE}x{SIDE}, 8 coils"
        table.append(Row(work, "its convolutions alone", seconds, bare, target))

    for iterations in (0, 4):
        flat = FLAT(iterations=iterations)

        def networks_and_transforms(flat=flat, iterations=iterations):
            model = scan.model
            image = model.adjoint(scan.kspace)
            for k in range(flat.cascades):
                N = flat.denoise(image, 0.5, image, k)
                for _ in range(1 + iterations):
                    model.normal(N)

        with torch.inference_mode():
            seconds, bare = alternate(lambda n=flat: n(scan), networks_and_transforms, rounds=7)
        work = f"FLAT, {iterations or 'no'} conjugate gradients, {SIDE}x{SIDE}, 8 coils"
        table.append(Row(work, "its networks, A^H y and A^H A alone", seconds, bare, 1.05))

    recipe = SHIFTS["none"].training_recipe(SIDE)
    generator = torch.Generator().manual_seed(0)
    scans = acquisitions(1, recipe, generator)

    def step():
        varnet.zero_grad()
        (1 - ssim(varnet(scans).image, scans.reference).mean()).backward()

    seconds, training = alternate(lambda: acquisitions(1, recipe, generator), step, rounds=5)
    work = f"a training acquisition, {SIDE}x{SIDE}, 8 coils"
    table.append(Row(work, "a training step of VarNet on it", seconds, training, 1))
    return table
