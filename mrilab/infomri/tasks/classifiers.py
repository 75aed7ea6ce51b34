"""The classifiers of the tables by name: what is classified, from how many samples, and what places these."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mrilab.errors import UserError
from mrilab.infomri.models import LEARNED, LOUPE

UNIFORM = {"by": "fixed", "kind": "uniform"}
ORDERED = {"by": "ordered", "kind": "points"}
EXPONENTS = {"glyphs": 16.0, "heads": 16.0}  # of variable density: best of `infomri_tasks_density`
RATIO = 1 / 8
LOWER = (12, 16, 24, 32)  # accelerations at which beta = 0 is the control: less leaks, too, when less is sampled
SCARCE = 32  # acceleration of a second table: at 8x variable density leaves nothing to beat
BETAS = (0.0, -1e-3, -1e-2, -1e-1, -3e-1, -1.0)  # widened until validation accuracy fell by points
STEPS = {"glyphs": 1_500, "heads": 1_000}


@dataclass(frozen=True)
class Classified:
    """One classifier, before it is trained.

    images: "glyphs" or "heads". sampling: as `TaskClassifier` takes it, or "active" under "by".
    beta: of (12). ratio: of the samples.
    loupe: whether the pattern is learned for the image first.
    begins: the model of part 1 whose pattern it begins with. On heads a classifier that begins with samples anywhere
        finds nothing to learn from, and never begins.
    """

    images: str
    sampling: dict[str, Any] = field(default_factory=lambda: LEARNED)
    beta: float = 0.0
    ratio: float = RATIO
    loupe: bool = False
    begins: str | None = None

    @property
    def described(self) -> dict[str, Any]:
        """Return what is set, as a stored run has it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def _density(images: str) -> dict[str, Any]:
    return {"by": "fixed", "kind": "variable-density", "exponent": EXPONENTS[images]}


def _of(images: str, betas: tuple[float, ...], begins: str | None = None) -> dict[str, Classified]:
    learned = Classified(images, begins=begins)
    return {
        **{f"{images}-beta{beta:g}": replace(learned, beta=beta) for beta in betas},
        f"{images}-uniform": Classified(images, UNIFORM),
        f"{images}-variable-density": Classified(images, _density(images)),
        f"{images}-closed-form": Classified(images, ORDERED),
        f"{images}-loupe": Classified(images, LOUPE, loupe=True),
    }


GLYPHS = _of("glyphs", BETAS) | {"glyphs-active": Classified("glyphs", {"by": "active"})}
CONTROLS = {f"glyphs-beta0-{R}x": Classified("glyphs", ratio=1 / R) for R in LOWER}
FEW = {f"{name}-{SCARCE}x": replace(model, ratio=1 / SCARCE) for name, model in GLYPHS.items() if model.beta == 0}
HEADS = _of("heads", (0.0, -1e-1, -1.0), begins="points")
CLASSIFIERS = GLYPHS | CONTROLS | FEW | HEADS


def find_classifier(name: str) -> Classified:
    """Return the classifier of this name. Raises UserError with the names that there are."""
    if name not in CLASSIFIERS:
        raise UserError(f"there is no classifier {name!r}; choose one of {', '.join(CLASSIFIERS)}")
    return CLASSIFIERS[name]
