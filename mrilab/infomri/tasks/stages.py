"""The models for segmentation by name, and the one or two trainings, stages, that make each of them.

A stage has a goal, and may begin with what another stage has learned. What several models begin with is trained once.
All models have about 12 core-minutes. InfoMRI has three stages: the pattern of part 1, which was learned for the image;
answers straight from the prior; and the bound, for which the posterior begins as the prior.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mrilab.data.recipes import Recipe
from mrilab.errors import UserError
from mrilab.infomri.models import ELSEWHERE, EXPONENT, LEARNED, LOUPE
from mrilab.infomri.tasks.elbo import CHOSEN, PAPER, Weights

RATIOS = (1 / 32, 1 / 2)  # of the training, as many at each acceleration
ACCELERATIONS = (4, 8, 16, 32)  # of table III
LOWEST = 2  # of table VII, for models of all ratios only
CLIFF = (1, 2, 4, 8, 10, 16, 32)  # of fig. 15, for the model trained up to 1x
ONE_RATIO = LEARNED | {"amortised": False}
KIND = Literal["latent", "pipeline", "codes", "linet"]
# channels at full resolution: two U-Nets are as large as the four networks of the latent model
WIDTHS = {"latent": 16, "pipeline": 20, "codes": 16, "linet": 16}
DIRECT, BOUND, IMAGE, ANSWER, THROUGH, BOTH, CODES, INFERENCE = (
    "answer from the prior", "bound", "image", "answer", "answer through the image", "both", "codes", "inference",
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One training of a model.

    kind: what network. sampling: its arguments. order: "closed-form" where the sampling is ordered.
    goal: what the loss is of; see `goals.py`. steps: length of the training.
    ratios: smallest and largest of the training.
    start: the stage whose weights it begins with. pattern: the stage that lends its sampling, which stays as it is.
    image: the model of part 1 whose pattern it begins with. fixed: whether that stays as it is.
    recipe: of scans with several coils, in place of heads seen by one coil.
    weights: of the bound. raters: how many raters' answers are learned from.
    """

    kind: KIND
    sampling: dict[str, Any]
    goal: str
    steps: int
    ratios: tuple[float, float] = RATIOS
    order: str | None = None
    start: str | None = None
    pattern: str | None = None
    image: str | None = None
    fixed: bool = False
    recipe: Recipe | None = None
    weights: Weights = field(default_factory=lambda: CHOSEN)
    raters: int = 6

    @property
    def tested(self) -> tuple[float, ...]:
        """Return the ratios at which it is measured."""
        low, high = self.ratios
        return (low,) if low == high else tuple(1 / R for R in (LOWEST, *ACCELERATIONS) if low <= 1 / R <= high)


STEPS = {
    DIRECT: 1_500, BOUND: 2_000, IMAGE: 3_300, ANSWER: 3_300, THROUGH: 2_400, BOTH: 4_800, CODES: 4_400,
    INFERENCE: 7_300,
}  # fmt: skip
START = Stage("latent", LEARNED, DIRECT, STEPS[DIRECT], image="points")
INFOMRI = Stage("latent", LEARNED, BOUND, STEPS[BOUND], start="infomri-start")
FIXED: dict[str, tuple[dict[str, Any], str | None]] = {
    "uniform": ({"by": "fixed", "kind": "uniform"}, None),
    "poisson": ({"by": "fixed", "kind": "poisson"}, None),
    "variable-density": ({"by": "fixed", "kind": "variable-density", "exponent": EXPONENT}, None),
    "closed-form": ({"by": "ordered", "kind": "points"}, "closed-form"),
}


def _two(name: str, first: Stage, goal: str) -> dict[str, Stage]:
    """Return a model that learns the image first, and then the answer."""
    return {f"{name}-image": first, name: replace(first, goal=goal, steps=STEPS[goal], start=f"{name}-image")}


def _on_fixed() -> dict[str, Stage]:
    stages: dict[str, Stage] = {}
    for name, (sampling, order) in FIXED.items():
        image = Stage("pipeline", sampling, IMAGE, STEPS[IMAGE], order=order)
        stages |= _two(f"unet-rs-{name}", image, ANSWER)
        inference = Stage("linet", sampling, INFERENCE, STEPS[INFERENCE], order=order, start="linet-codes")
        stages[f"linet-{name}"] = inference
    return stages


def _of_one_ratio(R: int) -> dict[str, Stage]:
    ratios = (1 / R, 1 / R)
    loupe = Stage("pipeline", LOUPE, IMAGE, STEPS[IMAGE], ratios)
    stages = _two(f"loupe-unet-rs-{R}", loupe, ANSWER)
    stages[f"loupe-linet-{R}"] = Stage(
        "linet", LOUPE, INFERENCE, STEPS[INFERENCE], ratios, start="linet-codes", pattern=f"loupe-unet-rs-{R}-image"
    )
    stages[f"semunet-{R}"] = Stage("pipeline", ONE_RATIO, BOTH, STEPS[BOTH], ratios)
    return stages | _two(f"tackle-{R}", Stage("pipeline", ONE_RATIO, IMAGE, STEPS[IMAGE], ratios), THROUGH)


MODELS = {
    "infomri": INFOMRI,
    "infomri-to-1": replace(INFOMRI, ratios=(1 / 32, 1.0), start="infomri-to-1-start"),
    "infomri-one-rater": replace(INFOMRI, raters=1, start="infomri-one-rater-start"),
}
STARTS = {
    "infomri-start": START,
    "infomri-to-1-start": replace(START, ratios=(1 / 32, 1.0)),
    "infomri-one-rater-start": replace(START, raters=1),
}
# for scans from elsewhere: axial heads, eight coils, and the lines that part 1 learned for the image. With tissues of
# random brightness most masses cannot be told from what surrounds them, and nothing is learned. Of the clinical
# contrasts, masses were learned in T2-weighted heads and FLAIR, and hardly in T1 and PD: the last run sees T2 alone.
HEADS_LINES = ELSEWHERE["heads-lines"]
CLINICAL = Recipe("clinical", "train", 0, noise_std=(0.003, 0.03))
SCANS_START = Stage(
    "latent", HEADS_LINES.sampling, DIRECT, 3_000, HEADS_LINES.ratios, image="heads-lines", fixed=True,
    recipe=CLINICAL,
)  # fmt: skip
SCANS = {
    "scans-start": SCANS_START,
    "scans": replace(SCANS_START, goal=BOUND, start="scans-start", image=None, recipe=replace(CLINICAL, contrast="t2")),
}
SHORT = 1_200  # steps of a training for the table of weights
KL = (1.0, 2.0, 5.0, 10.0, 50.0, 100.0)
RECONSTRUCTION = (0.0, 0.1, 0.5, 1.0, 10.0)  # times the chosen weight
WEIGHTS = {
    **{f"kl-{value:g}": replace(CHOSEN, kl=value) for value in KL},
    **{f"reconstruction-{value:g}": replace(CHOSEN, reconstruction=value * CHOSEN.reconstruction)
       for value in RECONSTRUCTION if value != 1},
    "paper": PAPER,
}  # fmt: skip
STAGES = {
    **STARTS,
    **MODELS,
    **SCANS,
    "linet-codes": Stage("codes", {}, CODES, STEPS[CODES]),
    **_on_fixed(),
    **{name: stage for R in ACCELERATIONS for name, stage in _of_one_ratio(R).items()},
    **{f"weights-{name}": replace(INFOMRI, steps=SHORT, weights=weights) for name, weights in WEIGHTS.items()},
}


def find_stage(name: str) -> Stage:
    """Return the stage of this name. Raises UserError with the names that there are."""
    if name not in STAGES:
        raise UserError(f"there is no model {name!r}; choose one of {', '.join(STAGES)}")
    return STAGES[name]
