"""`mrilab list methods|networks|data|experiments`: what there is by name, a line each."""

import json
from typing import Annotated, Literal

import typer

from mrilab.commands import app

What = Literal["methods", "networks", "data", "experiments"]


@app.command("list", epilog="Examples: mrilab list methods, mrilab list networks --json")
def list_(
    what: Annotated[What, typer.Argument(help="What to name.")],
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object: descriptions by name.")] = False,
) -> None:
    """Name what `mrilab recon`, `train`, `data build` or `experiment` take, with a short description."""
    print_names(names_of(what), json_)


def print_names(names: dict[str, str], json_: bool = False) -> None:
    """Print names and descriptions, a line each, or as one JSON object."""
    width = max(map(len, names))
    print(json.dumps(names) if json_ else "\n".join(f"{name:{width}}  {said}" for name, said in names.items()))


def names_of(what: What) -> dict[str, str]:
    """Return descriptions by name. Those of networks say what a network is and what it was, or would be, trained on."""
    return {"methods": _methods, "networks": _networks, "data": _data, "experiments": _experiments}[what]()


def _methods() -> dict[str, str]:
    import inspect

    from mrilab.methods.registry import available_methods

    return {name: (inspect.getdoc(run) or "").partition("\n")[0] for name, run in available_methods().items()}


def _networks() -> dict[str, str]:
    from mrilab.training.checkpoints import checkpoint_cards
    from mrilab.training.tasks import tasks

    found = {name: f"to be trained with `mrilab train {name}`: {task.data}" for name, task in tasks().items()}
    for name, card in checkpoint_cards().items():
        found[name] = f"{card['network']['kind']}, trained on {card['data']}"
    return dict(sorted(found.items()))


def _data() -> dict[str, str]:
    from mrilab.data.recipes import RECIPES

    found = {}
    for name, recipe in RECIPES.items():
        unseen = f", {recipe.unseen} of them in the unseen slab" if recipe.unseen else ""
        slices = f"{recipe.slices} slices of " if recipe.slices > 1 else ""
        found[name] = f"{recipe.count:3d} scans of {slices}{recipe.shape[0]} x {recipe.shape[1]}{unseen}"
    return found


def _experiments() -> dict[str, str]:
    from mrilab.evaluation.experiments import experiment_names, find_experiment

    return {name: find_experiment(name).title for name in experiment_names()}
