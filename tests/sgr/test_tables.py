"""What the lesson reads out of the results of its experiments."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mrilab.sgr.charts import acceleration_view, quartile_lines
from mrilab.sgr.study import MEASURED
from mrilab.sgr.tables import by_b, by_head, by_sampler, conformal, coverage, derived, growth, quartiles
from mrilab.teach.figures import new_figure


@pytest.fixture
def rows():
    """Rows as `sgr_bounds` writes them: two heads, two classes, R = 4 and 16, with numbers drawn at random."""
    keys = [(head, r, name) for head in ("a-00", "a-01") for r in (4, 16) for name in ("csf", "lesion")]
    drawn = np.random.default_rng(3).uniform(0.1, 1.0, (len(keys), len(MEASURED)))
    frame = pd.DataFrame(keys, columns=["scan", "acceleration", "name"])
    return pd.concat([frame, pd.DataFrame(drawn, columns=list(MEASURED))], axis=1)


def test_shares_coverage_quality_and_transfer_are_those_of_a_loop(rows):
    rows.loc[0, ["sgr_low", "sgr_up"]] = 0.0
    rows.loc[1, ["sgr_low", "true", "sgr_up"]] = 3.0
    found = derived(rows)
    assert math.isnan(found["sgr_share"][0]) and math.isnan(found["transfer"][0])
    assert found["sgr_covered"][1]  # the ends count
    for _, row in found.iloc[2:].iterrows():
        assert row["rr_share"] == pytest.approx(1 - row["rr_low"] / row["rr_up"])
        assert row["rr_slab_covered"] == (row["rr_slab_low"] <= row["true"] <= row["rr_slab_up"])
        assert row["sgr_covered_full"] == (row["sgr_low"] <= row["full"] <= row["sgr_up"])
        assert row["mean_quality_true"] == pytest.approx((row["mean_precision_true"] + row["mean_recall_true"]) / 2)
        seen = row["null_second_up"] - row["null_second_low"]
        assert row["null_transfer"] == pytest.approx(seen / (row["null_first_up"] - row["null_first_low"]))


def test_a_head_is_the_mean_of_its_cases(rows):
    found = by_head(rows["sgr_psnr"], rows)
    assert list(found) == pytest.approx([rows["sgr_psnr"][:4].mean(), rows["sgr_psnr"][4:].mean()])


def test_growth_is_a_ratio_within_a_class(rows):
    found = derived(rows)
    share = found.set_index(["scan", "acceleration", "name"])["sgr_share"]
    ratios = [share["a-01", 16, name] / share["a-01", 4, name] for name in ("csf", "lesion")]
    assert growth(found, "sgr")["a-01"] == pytest.approx(np.mean(ratios))


def test_words():
    low, high = stats.binomtest(4, 6).proportion_ci(method="exact")
    assert coverage([True, False, True, True, False, True]) == f"4 of 6 [{low:.0%}, {high:.0%}]"
    assert quartiles([1.0, 2.0, 3.0, float("nan")], 1) == "2.0 (1.5 to 2.5), 1 undefined"


def test_rank_correlation_of_b_is_that_within_a_case():
    heads = {"a": [0, 1, 2, 3], "b": [3, 2, 1, 0]}
    rows = pd.DataFrame([(head, "csf", b, v) for head, values in heads.items() for b, v in enumerate(values)],
                        columns=["scan", "name", "b", "gap"])  # fmt: skip
    assert by_b(rows, "gap").to_dict() == {"a": 1.0, "b": -1.0}


def test_samples_hold_a_volume_between_their_least_and_largest():
    columns = {"true a": [5.0, 5.0], "lowest a": [5.0, 6.0], "highest a": [9.0, 9.0], "std a": [1.0, 2.0]}
    columns |= {"true b": [4.0, 4.0], "lowest b": [1.0, 1.0], "highest b": [3.0, 3.0], "std b": [0.4, 0.8]}
    found = by_sampler(pd.DataFrame(columns), ("a", "b"))
    assert found["held"].tolist() == [0.5, 0.0] and found["spread"].tolist() == pytest.approx([0.15, 0.3])


def test_bounds_are_widened_by_what_the_heads_of_their_class_needed(rows):
    ends = {"csf": (8.0, 9.0), "lesion": (11.0, 12.0)}  # of four heads whose true volume is 10
    validation = pd.DataFrame(
        [(r, name, 10.0, *low_up) for r in (4, 16) for name, low_up in ends.items()] * 4,
        columns=["acceleration", "name", "true", "low", "up"],
    )
    found = conformal(rows, validation, 0.8)
    for name, share in (("csf", 1 / 9), ("lesion", 1 / 12)):
        own = found[found["name"] == name]
        assert own["up"].tolist() == pytest.approx((own["sgr_up"] * (1 + share)).tolist())
        assert own["low"].tolist() == pytest.approx((own["sgr_low"] - own["sgr_up"] * share).clip(lower=0).tolist())
    assert list(found.index) == list(rows.index)
    assert np.isinf(conformal(rows, validation, 0.9)["up"]).all()  # four heads say nothing about 90 %


def test_charts_show_what_the_rows_say(rows):
    axis = new_figure(3, 2).subplots()
    quartile_lines(axis, rows, "acceleration", {"SGR": "sgr_psnr"}, title="t", xlabel="R", ylabel="dB")
    (line,) = axis.containers
    medians = [rows.loc[rows["acceleration"] == r, "sgr_psnr"].median() for r in (4, 16)]
    assert list(line.lines[0].get_ydata()) == pytest.approx(medians)
    rows["full"] = 2.0
    view = acceleration_view(rows, "a-01", "csf")
    own = rows[(rows["scan"] == "a-01") & (rows["name"] == "csf")]
    lines = {line.get_label(): list(line.get_ydata()) for line in view.plot.axes[0].lines}
    assert lines["SGR, up"] == pytest.approx((own["sgr_up"] / 2).tolist())
    assert lines["truth"] == pytest.approx((own["true"] / 2).tolist()) and "at R = 4, 16: SGR" in view.text
