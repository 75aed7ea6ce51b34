"""The kernel that would run the lessons, and the copy of the package that it would import."""

import json
import sys
from pathlib import Path

import pytest

import mrilab
from mrilab import cli
from mrilab.course import check
from mrilab.course.kernel import kernel_package, same_package
from mrilab.errors import UserError


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A function that puts a kernel named python3 before all others; without arguments it runs this Python."""

    def make(argv=None, **environment):
        folder = tmp_path / "jupyter" / "kernels" / "python3"
        folder.mkdir(parents=True)
        argv = argv or [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": "Python 3", "language": "python", "env": environment}
        (folder / "kernel.json").write_text(json.dumps(spec))
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
        monkeypatch.setenv("PYTHONPATH", str(Path(mrilab.__file__).parents[1]))  # also where it is not installed

    return make


def copy(folder):
    """Make another package of the name in `folder`."""
    (folder / "mrilab").mkdir(parents=True)
    path = folder / "mrilab" / "__init__.py"
    path.write_text("print('a copy')\n")
    return path


def test_a_kernel_of_this_python_imports_this_package(kernel, tmp_path):
    kernel()
    assert same_package(tmp_path).samefile(mrilab.__file__)
    assert check.check_kernel(tmp_path).ok


@pytest.mark.parametrize("where", ["beside the lessons", "in the kernel's path"])
def test_another_copy_is_named(kernel, tmp_path, where):
    folder = tmp_path if where == "beside the lessons" else tmp_path / "elsewhere"
    path = copy(folder)
    kernel(**({} if folder == tmp_path else {"PYTHONPATH": str(folder)}))
    assert kernel_package(tmp_path) == (sys.executable, str(path))
    with pytest.raises(UserError, match="would import .* instead of this copy, .* pip install --no-deps -e"):
        same_package(tmp_path)
    finding = check.check_kernel(tmp_path)
    assert str(path) in finding.seen and finding.mend.startswith(f"run `{sys.executable} -m pip install")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["/nowhere/python", "-m", "ipykernel_launcher"], "No such file or directory"),
        ([sys.executable, "-I", "-S", "-m", "ipykernel_launcher"], "ModuleNotFoundError: No module named 'mrilab'"),
    ],
)
def test_a_kernel_that_cannot_import_it_is_told(kernel, tmp_path, argv, said):
    kernel(argv)
    with pytest.raises(UserError, match=f"cannot import mrilab .*{said}"):
        same_package(tmp_path)


def test_the_runner_refuses_before_it_builds_anything(kernel, tmp_path, monkeypatch, capfd):
    kernel()
    copy(tmp_path)
    (tmp_path / "00_a.ipynb").write_text("{}")
    monkeypatch.setattr("mrilab.course.lessons.find_lessons", lambda names: [tmp_path / "00_a.ipynb"])
    monkeypatch.setattr("mrilab.data.embedded.build", lambda: pytest.fail("built"))
    monkeypatch.setattr(sys, "argv", ["mrilab", "course", "00"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capfd.readouterr()
    assert (stop.value.code, out) == (2, "") and err.count("\n") == 1
    assert err.startswith(f"mrilab: the kernel python3 of the lessons would import {tmp_path}")
