"""A-DPS-like: choose samples of one image in steps, each by what the samples so far say (after Van Gorp et al. 2021).

A recurrent state looks at the zero-filled image, and says how much each free position is wanted. The next positions are
those with the largest perturbed wish: Gumbel noise makes this a draw without replacement, and a softmax its gradient.
"""

from typing import Any

import torch
from monai.networks.nets import Classifier
from torch import Tensor, nn

from mrilab.infomri.sampling import Sampled
from mrilab.infomri.tasks.classify import CHANNELS, STRIDES
from mrilab.nets.channels import real_channels
from mrilab.physics.acquisition import SenseModel

TEMPERATURE = 2.0  # of the softmax
STATE = 128  # numbers of the recurrent state
SEEN = (8, 16)  # channels of the network that looks


class ActiveClassifier(nn.Module):
    """Sample in `steps` parts of about equal size, and classify from all of them.

    Args:
        shape: (H, W). classes: number of classes. ratio: of the training. steps: number of parts.
    """

    def __init__(self, shape: tuple[int, int], classes: int, ratio: float, steps: int = 8):
        super().__init__()
        self.config: dict[str, Any] = {"shape": list(shape), "classes": classes, "ratio": ratio, "steps": steps}
        height, width = shape
        self.shape, self.ratio, self.steps = (height, width), ratio, steps
        first, second = SEEN
        self.look = nn.Sequential(
            nn.Conv2d(2, first, 3, 2, 1), nn.ReLU(), nn.Conv2d(first, second, 3, 2, 1), nn.ReLU(), nn.Flatten()
        )
        self.remember = nn.GRUCell(second * -(-height // 4) * -(-width // 4), STATE)
        self.wish = nn.Linear(STATE, height * width)
        self.network = Classifier((2, *shape), classes, CHANNELS, STRIDES)

    def forward(
        self, full: Tensor, maps: Tensor, count: Tensor, generator: torch.Generator | None
    ) -> tuple[Tensor, Sampled]:
        """Sample k-space (n, coil, H, W) at `count` (n) positions, the same number for all of a batch.

        Return logits (n, classes) and the masks. Without a generator nothing is drawn: the largest wishes are taken.
        """
        n, total = len(full), int(count[0])
        mask = torch.zeros(n, full.shape[-2] * full.shape[-1], device=full.device)  # (n, N)
        state = torch.zeros(n, STATE, device=full.device)
        for step in range(self.steps):
            part = total * (step + 1) // self.steps - total * step // self.steps
            state = self.remember(self.look(self._zero_filled(full, maps, mask)), state).float()
            wish = self.wish(state).float().masked_fill(mask.detach() > 0.5, -torch.inf)  # (n, N)
            mask = mask + gumbel_top_k(wish, part, generator, self.training)
        logits = self.network(self._zero_filled(full, maps, mask)).float()
        return logits, Sampled(mask.reshape(n, *self.shape), None, torch.ones(n))

    def _zero_filled(self, full: Tensor, maps: Tensor, mask: Tensor) -> Tensor:
        return real_channels(SenseModel(maps, mask.reshape(-1, *self.shape)).adjoint(full))  # (n, 2, H, W)


def gumbel_top_k(wish: Tensor, k: int, generator: torch.Generator | None, training: bool) -> Tensor:
    """Draw k different positions of each row of wishes (n, N), as 0 and 1, with probabilities that grow with exp(wish).

    In training the gradient is that of k times the softmax of the perturbed wishes.
    """
    if generator is not None:
        u = torch.rand(wish.shape, generator=generator).to(wish.device).clamp(1e-12, 1 - 1e-7)
        wish = wish - (-u.log()).log()
    hard = torch.zeros_like(wish).scatter(1, wish.topk(k).indices, 1.0)
    if not training:
        return hard
    soft = k * (wish / TEMPERATURE).softmax(1)
    return hard + soft - soft.detach()
