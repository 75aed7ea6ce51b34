"""The `ismrmrd_header` of a fastMRI file: what of it a reconstruction needs, read from XML and written back.

Schema: http://www.ismrm.org/ISMRMRD (Inati et al., Magn Reson Med 2017; 77:411). x is readout, y phase
    encoding.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from xml.etree import ElementTree

NAMESPACE = "http://www.ismrm.org/ISMRMRD"
PROTON_MHZ_PER_TESLA = 42.577478518
ENCODING = "encoding/"
LIMITS = ENCODING + "encodingLimits/kspace_encoding_step_1/"
SEQUENCE = "sequenceParameters/"
SYSTEM = "acquisitionSystemInformation/"
SPACES = {"encoded": ENCODING + "encodedSpace/", "recon": ENCODING + "reconSpace/"}
# header field -> (path in the XML, type); several TR, TE ... may stand there, the first is taken
FIELDS = {
    "phase_minimum": (LIMITS + "minimum", int),
    "phase_maximum": (LIMITS + "maximum", int),
    "phase_centre": (LIMITS + "center", int),
    "trajectory": (ENCODING + "trajectory", str),
    "resonance_frequency_hz": ("experimentalConditions/H1resonanceFrequency_Hz", float),
    "field_strength_t": (SYSTEM + "systemFieldStrength_T", float),
    "vendor": (SYSTEM + "systemVendor", str),
    "model": (SYSTEM + "systemModel", str),
    "sequence": (SEQUENCE + "sequence_type", str),
    "tr_ms": (SEQUENCE + "TR", float),
    "te_ms": (SEQUENCE + "TE", float),
    "ti_ms": (SEQUENCE + "TI", float),
    "flip_degrees": (SEQUENCE + "flipAngle_deg", float),
}


def parse_header(text: bytes | str) -> dict:
    """The FIELDS that are there, and `encoded_matrix`, `encoded_fov_mm`, `recon_matrix`, `recon_fov_mm`.

    Matrices are (x, y, z) int, fields of view (x, y, z) float in mm; x is readout. What is missing or not a
    number is left out. An empty or broken header gives an empty dict with a warning: a scan can be read
    without one.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    text = text.strip().strip("\0")
    if not text:
        warnings.warn("there is no ismrmrd_header; readout oversampling is guessed from the data", stacklevel=2)
        return {}
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # entities can blow up a parser, and no scanner writes them
        warnings.warn("the ismrmrd_header declares XML entities and is not read", stacklevel=2)
        return {}
    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        warnings.warn(f"the ismrmrd_header is not valid XML ({error}) and is not read", stacklevel=2)
        return {}
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # files differ in their namespace prefix

    header: dict = {}
    for field, (path, kind) in FIELDS.items():
        value = _value(root, path, kind)
        if value is not None:
            header[field] = value
    for space, path in SPACES.items():
        for field, tag, kind in (("matrix", "matrixSize/", int), ("fov_mm", "fieldOfView_mm/", float)):
            values = tuple(_value(root, path + tag + axis, kind) for axis in "xyz")
            if all(value is not None and value > 0 for value in values[:2]):
                header[f"{space}_{field}"] = values
    if "field_strength_t" not in header and "resonance_frequency_hz" in header:
        header["field_strength_t"] = header["resonance_frequency_hz"] / 1e6 / PROTON_MHZ_PER_TESLA
    return header


def header_xml(header: Mapping, shape: tuple[int, int]) -> str:
    """A valid ISMRMRD header for k-space of `shape` (H, W), from such fields as `parse_header` finds.

    Defaults: pixels of 1 mm, a slice of 1 mm, 3 T, no oversampling, all W lines acquired.
    """
    h, w = shape
    matrix = tuple(header.get("encoded_matrix", (h, w, 1)))
    fov = tuple(header.get("encoded_fov_mm", (float(h), float(w), 1.0)))
    field = header.get("field_strength_t", 3.0)
    values = {
        "trajectory": "cartesian",
        "phase_minimum": 0,
        "phase_maximum": w - 1,
        "phase_centre": w // 2,
        "resonance_frequency_hz": int(field * PROTON_MHZ_PER_TESLA * 1e6),
        **header,
    }
    values["resonance_frequency_hz"] = int(values["resonance_frequency_hz"])  # the schema wants a whole number
    spaces = {
        "encoded": (matrix, fov),
        "recon": (tuple(header.get("recon_matrix", matrix)), tuple(header.get("recon_fov_mm", fov))),
    }

    root = ElementTree.Element("ismrmrdHeader", xmlns=NAMESPACE)
    # the schema fixes the order: system, conditions, encoding (spaces, limits, trajectory), sequence
    for field in ("vendor", "model", "field_strength_t", "resonance_frequency_hz"):
        _put(root, FIELDS[field][0], values.get(field))
    for space, (size, extent) in spaces.items():
        for axis, n in zip("xyz", size, strict=True):
            _put(root, f"{SPACES[space]}matrixSize/{axis}", 1 if n is None else int(n))
        for axis, length in zip("xyz", extent, strict=True):
            _put(root, f"{SPACES[space]}fieldOfView_mm/{axis}", 1.0 if length is None else float(length))
    for field in ("phase_minimum", "phase_maximum", "phase_centre", "trajectory"):
        _put(root, FIELDS[field][0], values[field])
    for field in ("tr_ms", "te_ms", "ti_ms", "flip_degrees", "sequence"):
        _put(root, FIELDS[field][0], values.get(field))
    return '<?xml version="1.0"?>' + ElementTree.tostring(root, encoding="unicode")


def oversampling_in(header: Mapping, height: int) -> float | None:
    """Readout oversampling that the header claims for `height` readout points; None if it says nothing.

    The field of view decides, because a matrix may also shrink or grow by interpolation; the matrix stands in
    where no field of view is given. A header that speaks of another readout length was not written for this
    array, most often because somebody has removed the oversampling already: 1.
    """
    encoded, recon = header.get("encoded_matrix"), header.get("recon_matrix")
    if encoded and encoded[0] != height:
        return 1.0
    if "encoded_fov_mm" in header and "recon_fov_mm" in header:
        return max(1.0, header["encoded_fov_mm"][0] / header["recon_fov_mm"][0])
    if encoded and recon:
        return max(1.0, encoded[0] / recon[0])
    return None


def _value(root: ElementTree.Element, path: str, kind: type):
    text = root.findtext(path)
    if text is None or not text.strip():
        return None
    try:
        value = kind(text)
    except ValueError:
        return None
    return value if kind is str or math.isfinite(value) else None


def _put(root: ElementTree.Element, path: str, value) -> None:
    """Add an element at `path`, making its parents where they are missing."""
    if value is None:
        return
    node = root
    *parents, leaf = path.split("/")
    for tag in parents:
        child = node.find(tag)
        node = ElementTree.SubElement(node, tag) if child is None else child
    ElementTree.SubElement(node, leaf).text = str(value)
