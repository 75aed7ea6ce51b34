"""Writes simulated scans as a user's own, for the tests of training on them."""

from dataclasses import replace

from mrilab.data import recipes
from mrilab.data.scans import write_scan


def write_scans(folder, count, dataset="knee-test", side=32, split="train", first=0, mask=None):
    """Write `count` scans of one slice, as those of a data set are made but of another size, and return their files."""
    recipe = replace(recipes.find_recipe(dataset), shape=(side, side), count=first + count, unseen=0, split=split)
    known = dict(recipes.RECIPES)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    try:
        recipes.RECIPES["own"] = recipe
        for n in range(first, first + count):
            scan = recipes.simulate("own", n)
            paths.append(folder / f"patient-{n:02d}.h5")
            kspace = scan.kspace if scan.kspace.ndim == 4 else scan.kspace[None]
            write_scan(paths[-1], kspace if mask is None else kspace * mask, mask)
    finally:
        recipes.RECIPES.clear()
        recipes.RECIPES.update(known)
    return paths
