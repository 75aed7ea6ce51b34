"""Methods by name: found without a list, with options that text can set."""

import inspect
import math
from pathlib import Path
from typing import Literal

import pytest
import torch

import mrilab
from mrilab import papers
from mrilab.errors import UserError
from mrilab.methods import registry
from mrilab.methods.registry import (
    Reconstruction,
    available_methods,
    check_options,
    find_method,
    method,
    method_options,
)


@pytest.fixture
def own_registry(monkeypatch):
    """What a test registers is gone afterwards."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


@pytest.fixture
def toy(own_registry):
    @method("toy")
    def run(
        y, model, *, generator, progress, steps: int = 1, step_size: float = 0.1, fast: bool = False,
        norm: Literal["l1", "l2"] = "l1", checkpoint: Path | None = None, levels: int | None = None,
    ):  # fmt: skip
        """A toy."""

    return "toy"


def test_every_papers_methods_are_there():
    classical, networks = {"zero-filled", "cg-sense", "l1-wavelet"}, {"modl", "varnet", "ista", "convdecoder", "flat"}
    assert classical | networks | {"langevin", "ddim"} <= set(available_methods())


@pytest.mark.parametrize("name", available_methods())
def test_every_method_keeps_the_agreement(name):
    function = find_method(name)
    parameters = list(inspect.signature(function).parameters.values())
    assert [p.name for p in parameters[:2]] == ["y", "model"]
    # What is not keyword-only is no option of the command line: the solvers keep their stopping rules from it.
    hidden = {p.name for p in parameters[2:] if p.kind is not p.KEYWORD_ONLY}
    assert hidden <= {"tolerance", "threshold"}
    assert all(p.default is not p.empty for p in parameters[2:] if p.name in hidden), "it runs without"
    assert inspect.getdoc(function)
    assert all(p.default is not p.empty for p in method_options(name).values()), "options have defaults"


def test_the_options_of_a_classical_method_are_the_keywords_that_learners_may_turn():
    assert list(method_options("cg-sense")) == ["weight", "iterations"]
    assert list(method_options("l1-wavelet")) == ["weight", "iterations", "wavelet", "levels", "cycle_spinning"]


def test_a_new_papers_recon_is_found(tmp_path, monkeypatch, own_registry):
    (tmp_path / "brandnew").mkdir()
    (tmp_path / "brandnew" / "recon.py").write_text(
        "from mrilab.methods.registry import method\n"
        "@method('brand-new')\n"
        "def run(y, model, *, samples: int = 4):\n"
        "    'Made for this test.'\n"
        "    return model.adjoint(y)\n"
    )
    monkeypatch.setattr(mrilab, "__path__", [*mrilab.__path__, str(tmp_path)])
    monkeypatch.setattr(papers, "PAPERS", (*papers.PAPERS, "brandnew"))
    assert "brand-new" in available_methods()
    assert method_options("brand-new")["samples"].annotation is int


def test_two_files_cannot_share_a_name(own_registry):
    def other(y, model): ...

    with pytest.raises(ValueError, match="both register the method 'cg-sense'"):
        method("cg-sense")(other)


def test_options_that_the_method_has_are_taken(toy):
    check_options(toy, {"step_size": 0.5, "norm": "l2", "levels": None})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_size": math.inf}, "step_size must be a finite number, not inf"),
        ({"norm": "l3"}, "norm 'l3' is not possible; choose one of l1, l2"),
        ({"stepsize": 3}, r"unknown option stepsize; did you mean step_size\? toy has steps, step_size, fast"),
        ({"colour": 3}, "unknown option colour; toy has steps, step_size, fast"),
    ],
)
def test_what_the_method_does_not_have_is_one_sentence(toy, options, message):
    with pytest.raises(UserError, match=message):
        check_options(toy, options)


def test_a_method_gets_generator_and_progress_only_if_it_takes_them(own_registry):
    @method("needs-nothing")
    def needs_nothing(y, model):
        return y

    @method("needs-all")
    def needs_all(y, model, *, generator, progress, samples: int = 2):
        return Reconstruction(y, samples=(generator, progress, samples))

    settings = {"generator": torch.Generator(), "progress": iter}
    y = torch.ones(2, 2)
    assert find_method("needs-nothing")(y, None, **settings).image is y
    found = find_method("needs-all")(y, None, **settings, samples=3)
    assert found.image is y and found.samples == (*settings.values(), 3)
    assert list(method_options("needs-nothing")) == [] and list(method_options("needs-all")) == ["samples"]
