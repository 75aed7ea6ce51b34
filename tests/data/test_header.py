"""The ISMRMRD header: what is read of it, what is written, and what cannot hurt."""

import pytest

from mrilab.data.header import header_xml, oversampling_in, parse_header

KNEE = b"""<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<ismrmrd:ismrmrdHeader xmlns:ismrmrd="http://www.ismrm.org/ISMRMRD">
<ismrmrd:acquisitionSystemInformation><ismrmrd:systemFieldStrength_T>2.89362</ismrmrd:systemFieldStrength_T>
</ismrmrd:acquisitionSystemInformation>
<ismrmrd:experimentalConditions><ismrmrd:H1resonanceFrequency_Hz>123204000</ismrmrd:H1resonanceFrequency_Hz>
</ismrmrd:experimentalConditions>
<ismrmrd:encoding>
<ismrmrd:encodedSpace>
<ismrmrd:matrixSize><ismrmrd:x>640</ismrmrd:x><ismrmrd:y>368</ismrmrd:y><ismrmrd:z>1</ismrmrd:z></ismrmrd:matrixSize>
<ismrmrd:fieldOfView_mm><ismrmrd:x>280</ismrmrd:x><ismrmrd:y>161</ismrmrd:y><ismrmrd:z>4.5</ismrmrd:z>
</ismrmrd:fieldOfView_mm></ismrmrd:encodedSpace>
<ismrmrd:reconSpace>
<ismrmrd:matrixSize><ismrmrd:x>320</ismrmrd:x><ismrmrd:y>320</ismrmrd:y><ismrmrd:z>1</ismrmrd:z></ismrmrd:matrixSize>
<ismrmrd:fieldOfView_mm><ismrmrd:x>140</ismrmrd:x><ismrmrd:y>140</ismrmrd:y><ismrmrd:z>4.5</ismrmrd:z>
</ismrmrd:fieldOfView_mm></ismrmrd:reconSpace>
<ismrmrd:encodingLimits><ismrmrd:kspace_encoding_step_1><ismrmrd:minimum>0</ismrmrd:minimum>
<ismrmrd:maximum>331</ismrmrd:maximum><ismrmrd:center>166</ismrmrd:center></ismrmrd:kspace_encoding_step_1>
</ismrmrd:encodingLimits><ismrmrd:trajectory>cartesian</ismrmrd:trajectory></ismrmrd:encoding>
<ismrmrd:sequenceParameters><ismrmrd:TR>2200</ismrmrd:TR><ismrmrd:TE>27</ismrmrd:TE>
<ismrmrd:flipAngle_deg>140</ismrmrd:flipAngle_deg></ismrmrd:sequenceParameters>
</ismrmrd:ismrmrdHeader>"""


def test_a_header_with_prefixed_namespace_is_read_in_full():
    assert parse_header(KNEE) == {
        "encoded_matrix": (640, 368, 1),
        "encoded_fov_mm": (280.0, 161.0, 4.5),
        "recon_matrix": (320, 320, 1),
        "recon_fov_mm": (140.0, 140.0, 4.5),
        "phase_minimum": 0,
        "phase_maximum": 331,
        "phase_centre": 166,
        "trajectory": "cartesian",
        "field_strength_t": 2.89362,
        "resonance_frequency_hz": 123204000.0,
        "tr_ms": 2200.0,
        "te_ms": 27.0,
        "flip_degrees": 140.0,
    }


def test_what_is_written_is_read_back():
    header = parse_header(KNEE)
    assert parse_header(header_xml(header, (640, 368))) == header


def test_defaults_are_square_pixels_without_oversampling():
    header = parse_header(header_xml({}, (64, 40)))
    assert header["encoded_fov_mm"][:2] == (64.0, 40.0)
    assert header["phase_maximum"] == 39 and header["phase_centre"] == 20
    assert header["field_strength_t"] == pytest.approx(3.0)
    assert oversampling_in(header, 64) == 1


@pytest.mark.parametrize(
    ("changes", "height", "expected"),
    [
        ({}, 640, 2),
        ({}, 320, 1),  # somebody has removed it already: the header speaks of 640 points
        ({"recon_matrix": (640, 640, 1), "recon_fov_mm": (280.0, 280.0, 5.0)}, 640, 1),
        ({"recon_matrix": (512, 512, 1)}, 640, 2),  # interpolated: the field of view decides
        ({"recon_fov_mm": None, "recon_matrix": (256, 256, 1)}, 640, 2.5),
        ({"recon_fov_mm": None, "recon_matrix": None}, 640, None),
    ],
)
def test_the_field_of_view_decides_on_oversampling(changes, height, expected):
    header = parse_header(KNEE) | changes
    header = {key: value for key, value in header.items() if value is not None}
    assert oversampling_in(header, height) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\0\0",
        b"not xml",
        b"\xff\xfe\x00garbage",
        KNEE[:300],
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><ismrmrdHeader>&b;</ismrmrdHeader>',
    ],
)
def test_a_broken_header_is_a_warning(text):
    with pytest.warns(UserWarning, match="ismrmrd_header"):
        assert parse_header(text) == {}


def test_fields_that_are_not_numbers_are_left_out():
    text = KNEE.replace(b">280<", b">nan<").replace(b">2200<", b">soon<").replace(b">640<", b">-640<")
    header = parse_header(text)
    assert not {"encoded_fov_mm", "encoded_matrix", "tr_ms"} & set(header)
    assert header["recon_matrix"] == (320, 320, 1)
