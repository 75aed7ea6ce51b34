"""The pattern network."""

import pytest
import torch

from mrilab.errors import UserError
from mrilab.infomri.pattern import PatternNetwork

R = torch.tensor([0.1, 0.3])


@pytest.mark.parametrize(("kind", "shape"), [("points", (16, 12)), ("lines", (1, 12)), ("rows", (16, 1))])
@pytest.mark.parametrize("amortised", [True, False])
def test_shapes_and_means(kind, shape, amortised):
    p = PatternNetwork((16, 12), kind, amortised=amortised)(R)
    assert p.shape == (2, *shape) and p.dtype == torch.float32
    torch.testing.assert_close(p.mean((1, 2)), R, atol=1e-4, rtol=0)


def test_the_centre_is_always_sampled_and_part_of_the_budget():
    p = PatternNetwork((16, 16), acs=4)(R)
    assert (p[:, 6:10, 6:10] == 1).all()
    torch.testing.assert_close(p.mean((1, 2)), R, atol=1e-4, rtol=0)
    lines = PatternNetwork((16, 20), "lines", acs=3)(torch.tensor([0.3]))
    assert (lines[0, 0, 9:12] == 1).all() and lines.sum().item() == pytest.approx(6, abs=1e-3)


def test_the_logits_are_those_of_a_network_on_embedding_and_ratio():
    pattern = PatternNetwork((4, 4), slope=5.0)
    weight = torch.cat([pattern.of_position.weight, pattern.of_ratio.weight], 1)  # (HIDDEN, d + 1)
    inputs = torch.cat([pattern.E, torch.full((16, 1), 0.3)], 1)
    hidden = torch.relu(inputs @ weight.T + pattern.of_position.bias)
    torch.testing.assert_close(pattern.logits(R)[1], 5 * pattern.last(hidden)[:, 0])


def test_it_stays_in_float32_under_autocast():
    pattern = PatternNetwork((16, 16))
    with torch.autocast("cpu", torch.bfloat16):
        p = pattern(R)
    assert p.dtype == torch.float32 and torch.equal(p, pattern(R))


def test_impossible_ratios_and_names_are_refused():
    pattern = PatternNetwork((16, 16), acs=8)
    for ratio in (0.0, -0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match="above 0 and at most 1"):
            pattern(torch.tensor([ratio]))
    with pytest.raises(UserError, match="the fixed centre alone has 0.2500"):
        pattern(torch.tensor([0.2]))
    with pytest.raises(UserError, match="unknown kind of pattern"):
        PatternNetwork((8, 8), "spirals")
    with pytest.raises(UserError, match="unknown normalisation"):
        PatternNetwork((8, 8), normalisation="softmax")
