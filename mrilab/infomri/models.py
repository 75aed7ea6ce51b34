"""The models of the lesson's tables by name: what samples, what reconstructs, and what both are trained for."""

from dataclasses import dataclass, field, replace
from typing import Any

from mrilab.data.recipes import Recipe
from mrilab.errors import UserError

RATIOS = (0.04, 0.32)  # of the training
TESTED = (0.0625, 0.125, 0.1875, 0.25)  # the ratios of fig. 3 and table VI
RADIAL_TESTED = (0.05, 0.1, 0.15)  # the ratios of table I
SHAPE = (64, 64)
UNET = {"by": "unet", "parts": 1}
UNROLLED = {"by": "unrolled", "parts": 1}
PLUG = {"by": "plug", "parts": 1}
LEARNED = {"by": "learned", "normalisation": "threshold", "slope": 5.0}
LOUPE = {"by": "learned", "amortised": False, "normalisation": "rescale", "slope": 5.0, "estimator": "soft"}
STEPS = 4_000  # of a training, through which PUERT's estimator sharpens
PUERT = LOUPE | {"estimator": "puert", "steps": STEPS}
EXPONENT = 16.0  # of variable density, by `infomri_tuning`
ERROR_BAR = "beta-nll"  # the loss that goes on, by `infomri_tuning`


@dataclass(frozen=True)
class Model:
    """One model of the tables, before it is trained.

    sampling, backbone: arguments of `InfoMRI`, without the shape. loss: of `LOSSES`.
    ratios: smallest and largest of the training. steps: length of the training.
    order: of an ordered sampling, "closed-form" or "spectrum". phase: standard deviation of the images' phase, rad.
    recipe: of scans with several coils, in place of images without coils.
    tested: the ratios at which it is measured.
    start: the checkpoint infomri-START that lends its reconstruction, or its denoiser, which stays as it is.
    """

    sampling: dict[str, Any] = field(default_factory=lambda: LEARNED)
    backbone: dict[str, Any] = field(default_factory=lambda: UNET)
    loss: str = ERROR_BAR
    ratios: tuple[float, float] = RATIOS
    steps: int = STEPS
    order: str | None = None
    phase: float = 0.0
    recipe: Recipe | None = None
    tested: tuple[float, ...] = TESTED
    start: str | None = None


def _one_ratio(name: str, model: Model, ratios: tuple[float, ...]) -> dict[str, Model]:
    return {f"{name}-{100 * r:g}": replace(model, ratios=(r, r), tested=(r,)) for r in ratios}


def _fixed(kind: str) -> Model:
    return Model({"by": "fixed", "kind": kind})


POINTS = {
    "points": Model(),
    "points-rescale": Model(LEARNED | {"normalisation": "rescale"}),
    "points-nll": Model(loss="nll"),
    "points-mse": Model(loss="mse"),
    "points-uniform": _fixed("uniform"),
    "points-variable-density": Model({"by": "fixed", "kind": "variable-density", "exponent": EXPONENT}),
    "points-closed-form": Model({"by": "ordered", "kind": "points"}, order="closed-form"),
    "points-poisson": _fixed("poisson"),
    "points-spectrum": Model({"by": "ordered", "kind": "points"}, order="spectrum"),
    "points-radial": _fixed("radial"),
    **_one_ratio("points-loupe", Model(LOUPE), TESTED),
    **_one_ratio("points-loupe-threshold", Model(LOUPE | {"normalisation": "threshold"}), TESTED),
    **_one_ratio("points-one", Model(), TESTED),
    "points-sequential": Model({"by": "sequential", "kind": "points"}, ratios=(0.25, 0.25)),
    "points-identity": Model(LEARNED | {"estimator": "identity"}),
    "points-puert": Model(LEARNED | {"estimator": "puert", "steps": STEPS}),
    "points-soft": Model(LEARNED | {"estimator": "soft"}),
    "points-slope-1": Model(LEARNED | {"slope": 1.0}),
    "points-embedding-1": Model(LEARNED | {"embedding": 1}),
    "points-embedding-32": Model(LEARNED | {"embedding": 32}),
    "points-phase": Model(backbone=UNET | {"parts": 2}, phase=0.5),
    "points-rescale-longer": Model(LEARNED | {"normalisation": "rescale"}, steps=4 * STEPS),
}
ON_LINES = {"kind": "lines"}
LINES = {
    "lines": Model(LEARNED | ON_LINES),
    "lines-closed-form": Model({"by": "ordered", "kind": "lines"}, order="closed-form"),
    "lines-equispaced": _fixed("equispaced-lines"),
    "lines-random": _fixed("random-lines"),
    "lines-uniform": _fixed("uniform-lines"),
    **_one_ratio("lines-loupe", Model(LOUPE | ON_LINES), TESTED),
    "lines-sequential": Model({"by": "sequential", "kind": "lines"}, ratios=(0.25, 0.25)),
    "lines-policy": Model({"by": "policy"}, ratios=(0.25, 0.25), steps=500, start="lines-random"),
}
SHORT = 2_000  # steps of an unrolled network, of which each takes as long as two of a U-Net
UNROLLED_MODELS = {
    "unrolled": Model(backbone=UNROLLED, steps=SHORT, tested=RADIAL_TESTED),
    "unrolled-nll": Model(backbone=UNROLLED, loss="nll", steps=SHORT, tested=RADIAL_TESTED),
    "unrolled-mse": Model(backbone=UNROLLED, loss="mse", steps=SHORT, tested=RADIAL_TESTED),
    "unrolled-radial": Model({"by": "fixed", "kind": "radial"}, UNROLLED, steps=SHORT, tested=RADIAL_TESTED),
    "unrolled-unet": Model(tested=RADIAL_TESTED),
    "unrolled-plug": Model(backbone=PLUG, steps=1_000, tested=RADIAL_TESTED, start="denoiser"),
    **_one_ratio("unrolled-puert", Model(PUERT | {"steps": SHORT}, UNROLLED, steps=SHORT), RADIAL_TESTED),
}
COMPLEX = UNET | {"parts": 2}
EIGHT = Recipe("clinical", "train", 0, "t2")  # eight coils, noise 0.01
COILS = {
    "coils-lines": Model(LEARNED | ON_LINES, COMPLEX, recipe=EIGHT),
    "coils-points": Model(LEARNED, COMPLEX, recipe=EIGHT),
    "coils-lines-equispaced": Model({"by": "fixed", "kind": "equispaced-lines"}, COMPLEX, recipe=EIGHT),
    "coils-lines-random": Model({"by": "fixed", "kind": "random-lines"}, COMPLEX, recipe=EIGHT),
    "coils-points-variable-density": Model(
        {"by": "fixed", "kind": "variable-density", "exponent": EXPONENT}, COMPLEX, recipe=EIGHT
    ),
}
# for scans from elsewhere: any head, any contrast, lines with a centre that coil maps can be estimated from
ELSEWHERE = {
    "heads-lines": Model(
        LEARNED | ON_LINES | {"acs": 8},
        UNROLLED | {"parts": 2, "scaled": True},
        ratios=(0.1, 0.35),
        recipe=Recipe("randomised", "train", 0, noise_std=(0.003, 0.03)),
        tested=(0.125, 0.25),
        steps=8_000,
    ),
}
MODELS = POINTS | LINES | UNROLLED_MODELS | COILS | ELSEWHERE


def find_model(name: str) -> Model:
    """Return the model of this name. Raises UserError with the names that there are."""
    if name not in MODELS:
        raise UserError(f"there is no model {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name]
