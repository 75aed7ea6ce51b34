"""How the models for segmentation are trained, stage by stage, and what the one with a latent is followed by."""

import json
import math
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from mrilab.evaluation.segmentation import ged
from mrilab.infomri.images import SIDE, SIGMA
from mrilab.infomri.information import GaussianKspace
from mrilab.infomri.sampling import Learned, Ordered, Sampler, Sampling
from mrilab.infomri.tasks.elbo import Terms, answer_nll, terms
from mrilab.infomri.tasks.goals import Seen, loss_of
from mrilab.infomri.tasks.latent import LatentSegmenter
from mrilab.infomri.tasks.linet import AnswerCodes, LatentInference
from mrilab.infomri.tasks.measures import majority_dice
from mrilab.infomri.tasks.pipeline import Pipeline
from mrilab.infomri.tasks.predict import answered
from mrilab.infomri.tasks.scans import SIZES, MassHeads, Source
from mrilab.infomri.tasks.stages import BOUND, WIDTHS, Stage
from mrilab.training.feed import Batch
from mrilab.training.groups import Group
from mrilab.training.settings import Settings

SETTINGS = Settings(3_300, batch=8, parts=1, learning_rate=2e-3, warmup=50, ema=0.99, validate_every=500)
Network = LatentSegmenter | Pipeline | AnswerCodes | LatentInference
KINDS: dict[str, type[LatentSegmenter | Pipeline | LatentInference]] = {
    "latent": LatentSegmenter, "pipeline": Pipeline, "linet": LatentInference,
}  # fmt: skip
VALIDATED = 32  # heads
DRAWS = 8  # answers a head in validation


class StageTask:
    """One stage of the training of a model for segmentation, for `fit`.

    Args:
        stage: of `stages.py`. side: of the square images. pool: number of training heads.
        width: channels of the networks at full resolution, that of the kind by default.
        starts: the network that the stage begins with. lends: the one whose sampling it takes.
        image: the model of part 1 whose pattern the stage begins with.
        source: what is learned from, in place of `MassHeads`.
        name: what `mrilab train` calls it, where it does.
    """

    def __init__(
        self,
        stage: Stage,
        side: int = SIDE,
        width: int | None = None,
        pool: int = SIZES["train"],
        seed: int = 0,
        starts: nn.Module | None = None,
        lends: Sampler | None = None,
        image: Any = None,
        source: Source | None = None,
        name: str = "infomri-masses",
    ):
        heads = MassHeads(side, pool)
        self.stage, self.source = stage, source or heads
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = _network(stage, side, width or WIDTHS[stage.kind])
        if stage.order and isinstance(self.network, Sampler):
            _put_in_order(self.network.sampling, heads)
        if starts is not None:
            part = self.network.codes if isinstance(self.network, LatentInference) else self.network
            part.load_state_dict(starts.state_dict())
            self.started()
        sampling = getattr(self.network, "sampling", None)
        if isinstance(sampling, Learned):
            if image is not None:
                sampling.pattern.load_state_dict(image.sampling.pattern.state_dict())
            sampling.requires_grad_(not (stage.fixed or lends is not None))
        if lends is not None and isinstance(self.network, Sampler):
            self.network.sampling.load_state_dict(lends.sampling.state_dict())
        unit = self.network.sampling.unit if isinstance(self.network, Sampler) else (side, side)
        self.positions = math.prod(unit)
        self.config = {"name": name, "side": side, "pool": pool, "sigma": SIGMA}
        said = {name: value for name, value in asdict(stage).items() if value not in (None, False)}
        if stage.kind != "latent":
            del said["weights"]  # of the bound
        self.config |= {"stage": json.loads(json.dumps(said))}  # without tuples, as a stored state has it
        self.config |= {"terms": "sums over pixels and over w", "network": self.network.config}

    def started(self) -> None:
        """Let the posterior of a latent be its prior, and what rises or sharpens with the steps begin anew."""
        if isinstance(self.network, LatentSegmenter):
            self.network.let_posterior_be_prior()
        sampling = getattr(self.network, "sampling", None)
        if isinstance(sampling, Learned):
            sampling.seen.zero_()

    def groups(self, network: Network) -> list[Group]:
        """Return the pattern's parameters, which are clipped alone."""
        return [] if isinstance(network, AnswerCodes) else [Group([*network.sampling.parameters()])]

    def part(self, n: int, generator: torch.Generator, device: torch.device) -> Batch:
        """Draw what `Seen` holds, `n` of each with the answer of a rater drawn at random, and seeds (n)."""
        cases = self.source.train(n, generator)
        rater = torch.randint(self.stage.raters, (n,), generator=generator)
        z = cases.outlines[torch.arange(n), rater].float()
        low, high = self.stage.ratios
        r = low * (high / low) ** torch.rand(n, generator=generator)  # as many at each acceleration
        seeds = torch.randint(2**31, (n,), generator=generator)
        own = (cases.x, cases.full, cases.maps, z, self.counts(r), seeds)
        return tuple(each.to(device) for each in own)

    def counts(self, r: Tensor) -> Tensor:
        """Return the numbers of samples of ratios (n)."""
        return (r * self.positions).round().long()

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the loss of the stage's goal for masks and w that are drawn here."""
        *seen, seeds = batch
        generator = torch.Generator().manual_seed(int(seeds[0]))
        sampling = getattr(self.network, "sampling", None)
        progress = float(sampling.seen) / self.stage.steps if isinstance(sampling, Learned) else 1.0
        return loss_of(self.stage.goal, network, Seen(*seen), generator, self.stage.weights, progress)

    @torch.no_grad()
    def validate(self, network: nn.Module) -> tuple[float, Tensor]:
        """Return the loss over fixed heads and the tested ratios, and images above the majority's answers."""
        cases = self.source.fixed("val", VALIDATED)
        z, losses = cases.outlines[:, 0].float(), []
        for r in self.stage.tested:
            seen = Seen(cases.x, cases.full, cases.maps, z, self.counts(torch.full((len(z),), r)))
            loss = loss_of(self.stage.goal, network, seen, None, self.stage.weights, 1.0)
            losses.append(float(loss))
        layers = (cases.x[:4, 0], cases.outlines[:4].float().mean(1))
        return sum(losses) / len(losses), torch.cat([torch.cat([*each], -1) for each in layers]).clamp(0, 1)


class BoundTask(StageTask):
    """The stage of the model with a latent, which is followed by the terms of its bound and by its answers.

    All values are means over 32 validation heads and the tested accelerations, each with the answer of the first rater.
    The term of the task is also that of draws from the prior: training never sees these, and its loss hides how far
    they are off.
    """

    followed = (*Terms._fields, "task_under_prior", "ged", "dice")

    @torch.no_grad()
    def follow(self, network: nn.Module) -> dict[str, float]:
        """Return the values by the names in `followed`."""
        assert isinstance(network, LatentSegmenter)
        cases = self.source.fixed("val", VALIDATED)
        z, rows = cases.outlines[:, 0].float(), []
        for r in self.stage.tested:
            generator = torch.Generator().manual_seed(1)
            count = self.counts(torch.full((len(z),), r))
            answer = network(cases.full, cases.maps, count, generator, z)
            logits = network.logits(answer.prior.sample(DRAWS, generator))  # (DRAWS, n, H, W)
            row = [float(each) for each in terms(answer, z, cases.x)] + [float(answer_nll(logits, z).mean())]
            samples = logits > 0
            distances = [ged(samples[:, n], cases.outlines[n]) for n in range(len(z))]
            overlap = float(majority_dice(samples.float().mean(0), cases.outlines).mean())
            rows.append([*row, sum(distances) / len(distances), overlap])
        return dict(zip(self.followed, torch.tensor(rows).mean(0).tolist(), strict=True))

    def measure(self, network: nn.Module) -> dict[str, float]:
        """Return GED and Dice of 32 answers on validation heads at each tested acceleration, for the network's card."""
        assert isinstance(network, LatentSegmenter)
        cases, found = self.source.fixed("val"), {}
        for r in self.stage.tested:
            samples = answered(network, cases.full, cases.maps, r, 32).samples
            distances = [ged(samples[:, n], cases.outlines[n]) for n in range(len(cases.x))]
            found[f"GED {1 / r:g}x"] = sum(distances) / len(distances)
            found[f"Dice {1 / r:g}x"] = float(majority_dice(samples.float().mean(0), cases.outlines).mean())
        return found


def _network(stage: Stage, side: int, width: int) -> Network:
    if stage.kind == "codes":
        return AnswerCodes(width)
    if stage.kind == "latent":
        return LatentSegmenter(stage.sampling | {"shape": [side, side]}, width, stage.ratios, stage.recipe is not None)
    return KINDS[stage.kind](stage.sampling | {"shape": [side, side]}, width, stage.ratios)


def _put_in_order(sampling: Sampling, source: MassHeads) -> None:
    assert isinstance(sampling, Ordered)
    sampling.order.copy_(GaussianKspace.of_images(source.images("train"), SIGMA).order(sampling.unit))


def task_of(stage: Stage, **arguments: Any) -> StageTask:
    """Return the task of a stage; see `StageTask` for its arguments."""
    return (BoundTask if stage.goal == BOUND else StageTask)(stage, **arguments)
