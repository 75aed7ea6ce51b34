import pytest
import torch

from mrilab.teach.compare import agrees, holds


def test_agreement_is_relative_and_printed_as_a_word(capsys):
    agrees(torch.tensor([1e-6, 2e-6]), torch.tensor([1e-6, 2.0000001e-6]), 1e-6)
    assert capsys.readouterr().out == "agrees to 1e-06: yes\n"


@pytest.mark.parametrize("wrong", [[1.0, 2.1], [1.0], [float("nan"), 2.0]])
def test_disagreement_stops_the_lesson(wrong):
    with pytest.raises(AssertionError):
        agrees(torch.tensor(wrong), torch.tensor([1.0, 2.0]), 1e-2)


def test_a_statement_that_fails_stops_the_lesson(capsys):
    holds("g is at least 1", True)
    assert capsys.readouterr().out == "g is at least 1: holds\n"
    with pytest.raises(AssertionError, match="does not hold"):
        holds("g is at least 1", False)
