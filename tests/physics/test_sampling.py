import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mrilab.errors import UserError
from mrilab.physics import (
    MASK_KINDS,
    acs_lines,
    calibration_block,
    calibration_box,
    effective_acceleration,
    equispaced_all_mask,
    equispaced_mask,
    make_mask,
    poisson_mask,
    random_mask,
)
from mrilab.physics.lines import centre_lines

sizes = st.integers(16, 400)
accelerations = st.sampled_from([1, 2, 3, 4, 5, 6, 8, 10, 12])
directions = st.sampled_from(["vertical", "horizontal"])


def lines_of(mask, direction):
    assert mask.dtype == torch.bool
    assert mask.shape[0 if direction == "vertical" else 1] == 1
    return mask.flatten()


@given(n=sizes, other=sizes, R=accelerations, direction=directions)
@settings(deadline=None, max_examples=60)
def test_equispaced_takes_every_rth_line_outside_the_calibration_region(n, other, R, direction):
    shape = (other, n) if direction == "vertical" else (n, other)
    lines = lines_of(equispaced_mask(shape, R, direction), direction)
    acs = acs_lines(n, R)
    centre = centre_lines(n, acs)
    assert lines[centre].all()
    outside = lines[~centre]
    assert outside[::R].all()
    assert outside.sum() == math.ceil((n - acs) / R)


@pytest.mark.parametrize(
    ("n", "R", "count", "effective"),
    [(384, 2, 207, 1.86), (384, 4, 119, 3.23), (384, 6, 89, 4.31), (384, 8, 62, 6.19), (384, 12, 46, 8.35)],
)
def test_equispaced_reproduces_the_counts_of_the_released_code(n, R, count, effective):
    mask = equispaced_mask((n, n), R)
    assert mask.sum() == count
    assert round(effective_acceleration(mask, (n, n)), 2) == effective


@given(n=sizes, R=accelerations, direction=directions, seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=60)
def test_equispaced_all_has_one_spacing_throughout(n, R, direction, seed):
    shape = (32, n) if direction == "vertical" else (n, 32)
    generator = torch.Generator().manual_seed(seed)
    lines = lines_of(equispaced_all_mask(shape, R, direction, acs=0, generator=generator), direction)
    positions = torch.nonzero(lines).flatten()
    assert positions[0] < R
    assert (positions.diff() == R).all()
    assert n - positions[-1] <= R


@given(n=sizes, R=accelerations, direction=directions, seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=60)
def test_random_has_exactly_the_nominal_number_of_lines(n, R, direction, seed):
    shape = (32, n) if direction == "vertical" else (n, 32)
    generator = torch.Generator().manual_seed(seed)
    lines = lines_of(random_mask(shape, R, direction, generator=generator), direction)
    assert lines.sum() == n // R
    assert lines[centre_lines(n, acs_lines(n, R))].all()


@given(h=st.integers(40, 90), w=st.integers(40, 90), R=st.sampled_from([2, 3, 4, 5]), seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=15)
def test_poisson_keeps_its_acceleration_and_its_centre(h, w, R, seed):
    mask = poisson_mask((h, w), R, generator=torch.Generator().manual_seed(seed))
    assert mask.shape == (h, w)
    assert effective_acceleration(mask, (h, w)) == pytest.approx(R, rel=0.05)
    assert calibration_box(mask, (h, w), most=16) == (16, 16)


def test_poisson_keeps_points_apart_and_thins_outwards(generator):
    n = 128
    mask = poisson_mask((n, n), 8, acs=0, generator=generator)
    points = torch.nonzero(mask).double()
    distances = torch.cdist(points, points).fill_diagonal_(torch.inf).min(1).values
    radius = (points - n // 2).norm(dim=1) / (n / 2)
    nearest_inside, nearest_outside = distances[radius < 0.3].mean(), distances[radius > 0.9].mean()
    assert nearest_outside > 1.5 * nearest_inside
    # a pair counts with the radius of the point thrown last; the innermost radius bounds every distance
    assert distances[radius > 0.9].min() >= 2


@pytest.mark.parametrize("kind", MASK_KINDS)
def test_the_same_seed_gives_the_same_mask(kind):
    masks = [make_mask(kind, (64, 80), 4, generator=torch.Generator().manual_seed(7)) for _ in range(2)]
    assert torch.equal(*masks)


@pytest.mark.parametrize("R", [0, -3, math.nan, math.inf, 0.5, 1e9])
@pytest.mark.parametrize("kind", MASK_KINDS)
def test_impossible_accelerations_are_refused(kind, R):
    with pytest.raises(UserError, match="acceleration"):
        make_mask(kind, (64, 64), R)


def test_unknown_names_are_refused():
    with pytest.raises(UserError, match="unknown mask 'spiral'"):
        make_mask("spiral", (64, 64), 4)
    with pytest.raises(UserError, match="unknown direction"):
        make_mask("random", (64, 64), 4, direction="diagonal")


def test_random_refuses_an_acceleration_below_its_calibration_lines():
    with pytest.raises(UserError, match="fewer than the 30 calibration lines"):
        random_mask((64, 64), 4, acs=30)


def test_padding_does_not_count_as_acceleration():
    acquired = torch.ones(1, 64, dtype=torch.bool)
    acquired[:, :16] = False
    mask = equispaced_mask((64, 64), 1)
    assert effective_acceleration(mask, (64, 64)) == 1
    assert effective_acceleration(mask & acquired, (64, 64), acquired) == 1


def test_calibration_box_is_the_sampled_box_around_the_centre():
    assert calibration_box(equispaced_mask((128, 128), 4), (128, 128)) == (24, 10)
    assert calibration_box(equispaced_mask((128, 128), 4, "horizontal"), (128, 128)) == (10, 24)
    assert calibration_box(torch.zeros(128, 128, dtype=torch.bool), (128, 128)) == (0, 0)
    hole = torch.ones(32, 32, dtype=torch.bool)
    hole[16 - 5, 16] = False  # one missing point, five rows above DC
    h, w = calibration_box(hole, (32, 32))
    top, left = 16 - h // 2, 16 - w // 2
    assert hole[top : top + h, left : left + w].all()
    assert (h, w) == (9, 24)


def lines(n, *runs):
    selected = torch.zeros(1, n, dtype=torch.bool)
    for start, end in runs:
        selected[0, start:end] = True
    return selected


@pytest.mark.parametrize(
    "n, runs, expected",
    [
        (127, [(58, 66)], (58, 8)),  # one line off: without it the box has 6 lines, too few for ESPIRiT
        (128, [(48, 65)], (48, 17)),  # DC is the last of 17 lines
        (128, [(63, 80)], (63, 17)),
        (128, [(59, 69)], (59, 10)),  # around DC, as usual
        (128, [(58, 69)], (59, 10)),  # a single neighbour changes nothing
        (128, [(30, 90)], (52, 24)),  # at most 24, around DC
        (128, [(20, 66)], (42, 24)),  # at most 24, as near to DC as they are
    ],
)
def test_the_calibration_block_may_lie_beside_dc(n, runs, expected):
    top, left, height, width = calibration_block(lines(n, *runs), (64, n))
    assert (top, height) == (20, 24) and (left, width) == expected
    top, left, height, width = calibration_block(lines(n, *runs).T, (n, 64))
    assert (left, width) == (20, 24) and (top, height) == expected


def test_the_calibration_block_is_empty_where_dc_is_not_sampled():
    assert 0 in calibration_block(lines(64, (40, 60)), (64, 64))[2:]
