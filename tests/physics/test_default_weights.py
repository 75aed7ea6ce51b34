"""The fixed weights are those that the committed validation run chose."""

from mrilab.evaluation.experiments import read_results
from mrilab.physics.classical import CG_WEIGHT, WAVELET, WAVELET_WEIGHT


def test_defaults_are_the_best_on_the_clinical_validation_heads():
    rows = read_results("classical_weights")
    rows = rows[rows.scan.str.startswith("heads-t2-val")]
    mean = rows.fillna({"wavelet": ""}).groupby(["method", "wavelet", "weight"]).psnr.mean()
    assert mean["cg-sense"].idxmax() == ("", CG_WEIGHT)
    assert mean["l1-wavelet"].idxmax() == (WAVELET, WAVELET_WEIGHT)
