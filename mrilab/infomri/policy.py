"""A baseline that learns by trial: PG-MRI-like. A policy looks at the image so far and adds one line at a time."""

import torch
from torch import Tensor, nn

from mrilab.infomri.losses import Posterior
from mrilab.infomri.sampling import Sampled, Staged
from mrilab.physics.acquisition import SenseModel
from mrilab.physics.lines import centre_lines

FIRST = 2  # lines around DC that every scan begins with
LEVELS = 4  # halvings of the image in the policy network
DISCOUNT = 0.9  # of rewards a line later
TRAJECTORIES = 8  # of each image in a training step: their mean return is the baseline


class PolicyPattern(Staged):
    """Choose lines one by one from a categorical distribution over those that are free (after Bakker et al. 2020).

    The reconstruction is trained before, with random lines, and stays as it is. `steps` is the number of stages that
    are reported, at equal numbers of lines.
    """

    def __init__(self, shape: tuple[int, int], steps: int = 4, width: int = 16):
        super().__init__()
        self.unit, self.steps = (1, shape[1]), steps
        layers: list[nn.Module] = []
        for level in range(LEVELS):
            layers += [nn.Conv2d(width if level else 1, width, 3, stride=2, padding=1), nn.LeakyReLU(0.1)]
        features = width * (shape[0] >> LEVELS) * (shape[1] >> LEVELS)
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, shape[1]))

    def logits(self, mean: Tensor, mask: Tensor) -> Tensor:
        """Return the logits of all lines, minus infinity where they are sampled, for means (n, parts, H, W). (n, W)."""
        image = mean.square().sum(1, keepdim=True).sqrt()  # (n, 1, H, W)
        return self.net(image).float().masked_fill(mask[:, 0] > 0, -torch.inf)

    def forward(
        self, reconstruct: nn.Module, full: Tensor, maps: Tensor, count: Tensor, generator: torch.Generator | None
    ) -> list[tuple[Posterior, Sampled]]:
        """Return posterior and masks (n, 1, W) after each stage, for the same `count` (n) of lines in all.

        Without a generator each line is the most probable one.
        """
        lines, stages = int(count[0]), []
        mask, posterior = self.start(reconstruct, full, maps)
        for taken in range(FIRST, lines + 1):
            if taken * self.steps % lines == 0:
                stages.append((posterior, Sampled(mask, None, torch.ones(len(full)))))
            if taken < lines:
                mask, posterior = self.add(reconstruct, full, maps, mask, self.choose(posterior.mean, mask, generator))
        return stages

    def start(self, reconstruct: nn.Module, full: Tensor, maps: Tensor) -> tuple[Tensor, Posterior]:
        """Return the masks of the first lines and what is reconstructed from them."""
        mask = centre_lines(self.unit[1], FIRST).to(full.real).expand(len(full), 1, -1)  # (n, 1, W)
        with torch.no_grad():
            return mask, reconstruct(full, SenseModel(maps, mask))

    def choose(self, mean: Tensor, mask: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return a free line for each image, (n)."""
        logits = self.logits(mean, mask).detach()
        if generator is None:
            return logits.argmax(1)
        return torch.multinomial(logits.softmax(1).cpu(), 1, generator=generator)[:, 0].to(mask.device)

    def add(
        self, reconstruct: nn.Module, full: Tensor, maps: Tensor, mask: Tensor, line: Tensor
    ) -> tuple[Tensor, Posterior]:
        """Return the masks with one more line each, and what is reconstructed from them."""
        mask = mask.scatter(2, line[:, None, None], 1.0)
        with torch.no_grad():
            return mask, reconstruct(full, SenseModel(maps, mask))


def policy_loss(
    pattern: PolicyPattern,
    reconstruct: nn.Module,
    x: Tensor,
    full: Tensor,
    maps: Tensor,
    lines: int,
    generator: torch.Generator,
) -> Tensor:
    """Return a scalar whose gradient is the policy gradient of the gains in PSNR up to `lines` lines.

    Each image runs TRAJECTORIES times. The return of a line is the discounted sum of the gains from it on, less its
    mean over the trajectories of the same image and step (REINFORCE with a baseline).
    """
    n = len(x)
    x, full, maps = (each.repeat_interleave(TRAJECTORIES, 0) for each in (x, full, maps))
    mask, posterior = pattern.start(reconstruct, full, maps)
    quality, gains, log_p = _quality(posterior, x), [], []
    for _ in range(lines - FIRST):
        log_probabilities = pattern.logits(posterior.mean, mask).log_softmax(1)  # (n T, W)
        line = torch.multinomial(log_probabilities.detach().exp().cpu(), 1, generator=generator)[:, 0].to(x.device)
        log_p.append(log_probabilities.gather(1, line[:, None])[:, 0])
        mask, posterior = pattern.add(reconstruct, full, maps, mask, line)
        before, quality = quality, _quality(posterior, x)
        gains.append(quality - before)
    returns, total = [], torch.zeros_like(quality)
    for gain in reversed(gains):
        total = gain + DISCOUNT * total
        returns.append(total)
    advantage = torch.stack(returns[::-1]).reshape(-1, n, TRAJECTORIES)  # (line, n, trajectory)
    advantage = advantage - advantage.mean(2, keepdim=True)
    return -(advantage * torch.stack(log_p).reshape(advantage.shape)).mean()


def _quality(posterior: Posterior, x: Tensor) -> Tensor:
    """Return minus ten times the decimal logarithm of the mean squared error: PSNR up to a constant, (n)."""
    return -10 * (posterior.mean - x).square().mean((1, 2, 3)).log10()
