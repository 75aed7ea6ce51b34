"""Baselines that look before they choose: SeqMRI-like and PG-MRI-like. Each step samples where the image so far says.

Both see one scan at a time, so their masks differ from image to image. A pattern network's do not.
"""

import torch
from monai.networks.nets import BasicUNet
from torch import Tensor, nn

from mrilab.infomri.draw import draw, straight_through, tolerance, top_k
from mrilab.infomri.losses import Posterior
from mrilab.infomri.normalisation import rescale
from mrilab.infomri.pattern import Kind, PatternNetwork
from mrilab.infomri.sampling import Sampled, Staged
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.fourier import fft2c


class SequentialPattern(Staged):
    """Choose a part of the samples, reconstruct, choose the next part, end to end (after Yin et al. 2021, SeqMRI).

    The first part comes from logits of its own, as LOUPE's. After that a network sees log |F x| of the image so far and
    the mask so far, and says how probable each free position is. All parts have the same number of samples. Masks have
    straight-through gradients in training.

    Args:
        kind: "points" or "lines".
        steps: number of parts.
        width: of the network that chooses.
    """

    def __init__(self, shape: tuple[int, int], kind: Kind = "points", steps: int = 4, width: int = 8):
        super().__init__()
        self.first = PatternNetwork(shape, kind, normalisation="rescale", amortised=False)
        self.unit, self.steps = self.first.shape, steps
        features = (width, width, 2 * width, 4 * width, 4 * width, width)
        self.chooser = BasicUNet(2, 2, 1, features, norm=("group", {"num_groups": 1}))

    def forward(
        self, reconstruct: nn.Module, full: Tensor, maps: Tensor, count: Tensor, generator: torch.Generator | None
    ) -> list[tuple[Posterior, Sampled]]:
        """Return posterior and masks (n, *unit) after each part, for `count` (n) samples in all.

        Without a generator each part has the most probable positions.
        """
        mask = torch.zeros(len(full), *self.unit, device=full.device)
        taken = torch.zeros_like(count)
        out: list[tuple[Posterior, Sampled]] = []
        for step in range(1, self.steps + 1):
            part = count * step // self.steps - taken
            p = self.probabilities(out[-1][0].mean, mask, part) if out else self.first(part.float() / mask[0].numel())
            mask, taken = mask + self.chosen(p * (1 - mask.detach()), part, generator), taken + part
            sampled = Sampled(mask, None, torch.ones(len(full)))
            out.append((reconstruct(full, SenseModel(maps, mask)), sampled))
        return out

    def chosen(self, p: Tensor, part: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return `part` (n) new positions each, (n, *unit)."""
        if generator is None:
            return top_k(p, part)
        drawn = draw(p, part, generator, tolerance(p[0].numel()) if self.training else 0.5)
        return straight_through(drawn, p) if self.training else drawn.mask

    def probabilities(self, mean: Tensor, mask: Tensor, part: Tensor) -> Tensor:
        """Return the probabilities of the free positions, with `part` (n) as their sum, (n, *unit)."""
        image = torch.complex(mean[:, 0], mean[:, 1] if mean.shape[1] == 2 else torch.zeros_like(mean[:, 0]))
        spectrum = torch.log(fft2c(image).abs() + 1e-3)  # (n, H, W)
        inputs = torch.stack([spectrum, mask.expand_as(spectrum)], 1)  # (n, 2, H, W)
        logits = self.chooser(inputs).float()[:, 0]  # (n, H, W)
        dims = [axis for axis, size in ((1, self.unit[0]), (2, self.unit[1])) if size == 1]
        if dims:
            logits = logits.mean(dims, keepdim=True)  # (n, *unit)
        flat = logits.flatten(1) - 1e4 * mask.detach().flatten(1)  # a sampled position is not chosen again
        return rescale(flat, part / flat.shape[1]).reshape(len(flat), *self.unit)
