"""MoDL and E2E-VarNet, trained on T2 heads and vertical lines at R = 3 and 6, in distribution and under every shift.

"modl-seed-0" to "-2" are three MoDL trained alike but for the seed, each a twelfth as long as "modl". They show how
much of a difference is the luck of a training. "modl-retrained" was trained on scans of the very shift that it is
tested under. What it loses is due to the harder problem, not to the shift. These twelve do not ship. Train them first:

    mrilab train modl-t2 --steps 500 --seed 10 --save-as modl-t2-seed-0     # seeds 11 and 12 for the other two
    mrilab train modl-random --start modl-t2 --steps 300 --seed 5           # and for each of the other shifts
"""

from mrilab.evaluation.experiments import experiment
from mrilab.evaluation.shifted import MEASURED, measure_shifted, shifted_cases

CHECKPOINTS = {"modl": "modl-t2", "varnet": "varnet-t2"}
SEEDS = {f"modl-seed-{seed}": f"modl-t2-seed-{seed}" for seed in (0, 1, 2)}


def cases() -> list[tuple]:
    """Return one case a condition, scan and network; the three seeds out of distribution at R = 4 only."""
    retrained = [(shift, *rest) for shift, *rest in shifted_cases(("modl-retrained",)) if shift != "none"]
    seeds = [(shift, r, *rest) for shift, r, *rest in shifted_cases(tuple(SEEDS)) if shift == "none" or r == 4]
    return shifted_cases(tuple(CHECKPOINTS)) + retrained + seeds


@experiment(
    "MoDL and VarNet in distribution and under shifts, three seeds, and MoDL trained for each shift", MEASURED, cases
)
def measure(shift: str, acceleration: int, scan: str, method: str) -> dict[str, float]:
    """Reconstruct one scan under a shift."""
    network = (CHECKPOINTS | SEEDS).get(method, f"modl-{shift}")
    return measure_shifted(shift, acceleration, scan, method.split("-")[0], network=network)
