import numpy as np
import pytest

from mrilab.errors import UserError
from mrilab.evaluation.claims import MIME, ClaimsTable, judge, read_claims

DECLARED = """
[gain]
text = "A <method> gains 5 dB"
paper = "Someone 2021, table 1"
protocol = "12 test heads, R = 4"
metric = "PSNR gain (dB)"
at_least = 5.0

[ssim]
text = "SSIM lies slightly above 0.8"
paper = "Someone 2021, appendix"
protocol = "the same"
metric = "SSIM"
at_least = 0.8
at_most = 0.85
"""


@pytest.fixture
def claims(tmp_path):
    (tmp_path / "claims.toml").write_text(DECLARED)
    return read_claims(tmp_path / "claims.toml")


def test_threshold_in_words(claims):
    assert claims["gain"].threshold == "PSNR gain (dB) >= 5"
    assert claims["ssim"].threshold == "0.8 <= SSIM <= 0.85"


@pytest.mark.parametrize("values, word", [([4.9, 5.3], "holds"), ([4.9, 5.0], "does not hold"), (5.0, "holds")])
def test_the_mean_decides(claims, values, word):
    assert judge(claims["gain"], values).word == word


def test_both_ends_of_a_band_count(claims):
    assert [judge(claims["ssim"], value).word for value in (0.79, 0.82, 0.86)] == [
        "does not hold", "holds", "does not hold",
    ]  # fmt: skip


def test_interval_covers_the_true_mean_95_times_in_100(claims):
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        low, high = judge(claims["gain"], rng.normal(3.0, 2.0, size=12)).interval
        covered += low <= 3.0 <= high
    assert 0.935 < covered / 2000 < 0.965


@pytest.mark.parametrize("values, words", [([6.1], "6.1, n = 1"), ([6.0, 8.5], "7.25 (6 and 8.5), n = 2")])
def test_one_value_or_two_have_no_interval(claims, values, words):
    verdict = judge(claims["gain"], values)
    assert verdict.interval is None and verdict.measured == words


def test_table_shows_words_and_carries_rows_for_the_course_page(claims):
    table = ClaimsTable(claims, {"gain": [6.0, 7.0], "ssim": [0.7, 0.72]})
    bundle = table._repr_mimebundle_()
    assert table.verdicts() == "gain: holds\nssim: does not hold"
    assert [row["verdict"] for row in bundle[MIME]] == ["holds", "does not hold"]
    assert "A &lt;method&gt; gains 5 dB" in bundle["text/html"]


def test_every_claim_is_judged_and_none_is_added(claims):
    with pytest.raises(UserError, match="ssim"):
        ClaimsTable(claims, {"gain": 6.0})
    with pytest.raises(UserError, match="third"):
        ClaimsTable(claims, {"gain": 6.0, "ssim": 0.8, "third": 1.0})


@pytest.mark.parametrize("values", [[], [np.nan, 1.0], [np.inf]])
def test_values_must_be_finite(claims, values):
    with pytest.raises(UserError, match="finite"):
        judge(claims["gain"], values)


@pytest.mark.parametrize(
    "text, word",
    [
        ("not toml", "cannot read"),
        ('[a]\ntext = "x"', "missing"),
        (DECLARED.replace("at_least = 5.0", ""), "no threshold"),
        (DECLARED.replace("at_least", "at_lest"), "at_lest"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, text, word):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(UserError, match=word):
        read_claims(tmp_path / "bad.toml")


def test_a_missing_lesson_is_one_sentence():
    with pytest.raises(UserError, match="cannot read"):
        read_claims("99_no_such_lesson")
