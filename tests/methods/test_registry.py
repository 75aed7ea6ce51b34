"""Methods by name: found without a list, with options that text can set."""

import inspect
from pathlib import Path
from typing import Literal

import pytest

import mrilab
from mrilab import papers, physics
from mrilab.errors import UserError
from mrilab.methods import registry
from mrilab.methods.registry import available_methods, check_options, find_method, method, method_options


@pytest.fixture
def own_registry(monkeypatch):
    """What a test registers is gone afterwards."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


@pytest.fixture
def toy(own_registry):
    @method("toy")
    def run(
        y, model, *, generator, progress, steps: int, step_size: float = 0.1, fast: bool = False,
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
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[2:])
    assert inspect.getdoc(function)
    assert all(p.default is not p.empty for p in method_options(name).values()), "options have defaults"


def test_defaults_are_those_of_the_physics():
    for name, function in (("cg-sense", physics.cg_sense), ("l1-wavelet", physics.l1_wavelet)):
        there = inspect.signature(function).parameters
        for key, option in method_options(name).items():
            assert option.default == there[key].default, key


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
    assert check_options("brand-new", {"samples": "8"}) == {"samples": 8}


def test_two_files_cannot_share_a_name(own_registry):
    def other(y, model): ...

    with pytest.raises(ValueError, match="both register the method 'cg-sense'"):
        method("cg-sense")(other)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ({"steps": "3"}, {"steps": 3}),
        ({"steps": "3", "step_size": "1e-2"}, {"steps": 3, "step_size": 0.01}),
        ({"steps": "3", "fast": "yes"}, {"steps": 3, "fast": True}),
        ({"steps": "3", "norm": "l2"}, {"steps": 3, "norm": "l2"}),
        ({"steps": "3", "checkpoint": "a/b"}, {"steps": 3, "checkpoint": Path("a/b")}),
        ({"steps": "3", "checkpoint": "none", "levels": "2"}, {"steps": 3, "checkpoint": None, "levels": 2}),
        ({"steps": 3, "step_size": 0.5}, {"steps": 3, "step_size": 0.5}),  # from a notebook
    ],
)
def test_text_becomes_what_the_annotation_says(toy, text, value):
    checked = check_options(toy, text)
    assert checked == value and [type(each) for each in checked.values()] == [type(e) for e in value.values()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({}, "toy needs the option --steps"),
        ({"steps": "3.5"}, "--steps takes a whole number, not '3.5'"),
        ({"steps": "3", "step_size": "inf"}, "--step-size takes a finite number"),
        ({"steps": "3", "fast": "perhaps"}, "--fast takes true or false"),
        ({"steps": "3", "norm": "l3"}, "--norm l3 is not possible; choose one of l1, l2"),
        ({"stepsize": "3"}, "did you mean --step-size"),
        ({"colour": "3"}, "toy has --steps, --step-size, --fast"),
    ],
)
def test_what_the_annotation_forbids_is_one_sentence(toy, text, message):
    with pytest.raises(UserError, match=message):
        check_options(toy, text)
