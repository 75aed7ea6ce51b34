import pytest

from mrilab.errors import UserError
from mrilab.physics.scan_time import Scan


def test_a_scan_of_a_head_on_paper():
    scan = Scan(tr=500.0, te=15.0, lines=256, samples=320, fov=(240.0, 192.0), dwell=0.02)
    assert scan.seconds() == pytest.approx(128.0)  # 0.5 s x 256
    assert scan.voxel() == pytest.approx((0.75, 0.75, 5.0))
    assert scan.sampling_ms() == pytest.approx(256 * 320 * 0.02)
    assert scan.hertz_per_pixel() == pytest.approx(1 / (320 * 20e-6))
    assert scan.snr() == pytest.approx(0.75 * 0.75 * 5 * 1638.4**0.5)


def test_averages_acceleration_and_echo_trains():
    one = Scan(tr=4000.0, te=90.0, lines=256, samples=256)
    assert Scan(**{**vars(one), "averages": 2}).snr() == pytest.approx(2**0.5 * one.snr())
    fast = Scan(**{**vars(one), "acceleration": 2.0, "echo_train": 16})
    assert fast.seconds() == pytest.approx(one.seconds() / 32)
    assert fast.snr() == pytest.approx(one.snr() / 2**0.5)  # the echo train loses no samples


def test_a_scan_of_nothing_is_refused():
    with pytest.raises(UserError, match="tr, averages above 0"):
        Scan(tr=0.0, te=10.0, lines=8, samples=8, averages=0)
