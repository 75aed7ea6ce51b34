"""Shifts: what differs between the scans that a network was trained on and those that it meets.

The networks of lesson 2 are trained on "none": T2-weighted heads, equispaced vertical lines. Each other entry of SHIFTS
changes one thing. The same entry says how test scans are simulated and what a network trained for the shift sees.
"""

from dataclasses import dataclass, replace

from mrilab.data.recipes import Recipe, find_recipe
from mrilab.errors import UserError


@dataclass(frozen=True)
class Shift:
    """One kind of scan.

    Attributes:
        title: a few words for figures and tables.
        dataset: name in `mrilab.data.recipes` of the test scans.
        mask, direction: arguments for `mrilab.physics.make_mask`.
        noise_factor: factor on the noise of the data set.
    """

    title: str
    dataset: str = "heads-t2-test"
    mask: str = "equispaced"
    direction: str = "vertical"
    noise_factor: float = 1.0

    def training_recipe(self, side: int = 128) -> Recipe:
        """Return the recipe of training scans: as the test scans, but from "train". `side` replaces each 128."""
        recipe = find_recipe(self.dataset)
        height, width = (n * side // 128 for n in recipe.shape)
        low, high = (self.noise_factor * noise_std for noise_std in recipe.noise_std)
        return replace(recipe, split="train", unseen=0, shape=(height, width), noise_std=(low, high))


SHIFTS = {
    "none": Shift("as trained: T2 heads, vertical lines"),
    "horizontal": Shift("horizontal lines", direction="horizontal"),
    "random": Shift("random lines", mask="random"),
    "poisson": Shift("Poisson-disc points", mask="poisson"),
    "t1": Shift("T1 heads", dataset="heads-t1-test"),
    "flair": Shift("FLAIR heads", dataset="heads-flair-test"),
    "knee": Shift("knees", dataset="knee-test"),
    "abdomen": Shift("abdomens", dataset="abdomen-test"),
    "fine": Shift("finer pixels, narrower view", dataset="heads-t2-fine-test"),
    "noise": Shift("six times the noise", noise_factor=6.0),
}


def find_shift(name: str) -> Shift:
    """Return a shift by its name.

    Raises:
        UserError: no such shift.
    """
    if name not in SHIFTS:
        raise UserError(f"there is no shift {name!r}; choose one of {', '.join(SHIFTS)}")
    return SHIFTS[name]
