"""The `ismrmrd_header` of a fastMRI file: what of it a reconstruction needs, read from XML and written back.

Schema: http://www.ismrm.org/ISMRMRD (Inati et al., Magn Reson Med 2017; 77:411). x is readout, y phase encoding.
"""

import csv
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

NAMESPACE = "http://www.ismrm.org/ISMRMRD"
TYPES: dict[str, type[int | float | str]] = {"int": int, "float": float, "str": str}
PROTON_MHZ_PER_TESLA = 42.577478518  # gyromagnetic ratio of the proton over 2 pi
with Path(__file__).with_suffix(".csv").open(newline="") as table:
    # path in the XML and type of each field, in the order that the schema fixes; a path that ends with "/" has x, y, z
    FIELDS = {row["field"]: (row["path"], TYPES[row["type"]]) for row in csv.DictReader(table)}


def parse_header(text: bytes | str) -> dict:
    """Return those FIELDS that the header has. Where a field stands several times, as TR may, the first counts.

    Matrices are (x, y, z) int, fields of view (x, y, z) float in mm; x is readout. What is missing or not a number is
    left out. An empty or broken header gives an empty dict with a warning: a scan can be read without it.
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
        values = tuple(_value(root, path + axis, kind) for axis in ("xyz" if path.endswith("/") else [""]))
        if len(values) == 1 and values[0] is not None:
            header[field] = values[0]
        elif all(isinstance(value, int | float) and value > 0 for value in values[:2]):
            header[field] = values
    if "field_strength_t" not in header and "resonance_frequency_hz" in header:
        header["field_strength_t"] = header["resonance_frequency_hz"] / 1e6 / PROTON_MHZ_PER_TESLA
    return header


def header_xml(header: Mapping, shape: tuple[int, int]) -> str:
    """Return a valid ISMRMRD header for k-space of `shape` (H, W), from fields as `parse_header` gives them.

    Defaults: pixels of 1 mm, a slice of 1 mm, 3 T, no oversampling, all W lines acquired.
    """
    h, w = shape
    values = {
        "encoded_matrix": (h, w, 1),
        "encoded_fov_mm": (h, w, 1),
        "phase_minimum": 0,
        "phase_maximum": w - 1,
        "phase_centre": w // 2,
        "trajectory": "cartesian",
        "resonance_frequency_hz": header.get("field_strength_t", 3.0) * PROTON_MHZ_PER_TESLA * 1e6,
        **header,
    }
    values = {"recon_matrix": values["encoded_matrix"], "recon_fov_mm": values["encoded_fov_mm"], **values}
    values["resonance_frequency_hz"] = int(values["resonance_frequency_hz"])  # the schema wants a whole number
    root = ElementTree.Element("ismrmrdHeader", xmlns=NAMESPACE)
    for field, (path, kind) in FIELDS.items():
        if path.endswith("/"):
            for axis, size in zip("xyz", values[field], strict=True):
                _put(root, path + axis, kind(1 if size is None else size))
        elif values.get(field) is not None:
            _put(root, path, values[field])
    return '<?xml version="1.0"?>' + ElementTree.tostring(root, encoding="unicode")


def oversampling_in(header: Mapping, height: int) -> float | None:
    """Return the readout oversampling that the header claims for `height` readout points; None if it says nothing.

    The field of view decides, because a matrix may also shrink or grow by interpolation. The matrix stands in where
    there is no field of view. A header that speaks of another readout length was not written for this array, most often
    because somebody has removed the oversampling already: 1.
    """
    encoded, recon = header.get("encoded_matrix"), header.get("recon_matrix")
    if encoded and encoded[0] != height:
        return 1.0
    if "encoded_fov_mm" in header and "recon_fov_mm" in header:
        return max(1.0, header["encoded_fov_mm"][0] / header["recon_fov_mm"][0])
    if encoded and recon:
        return max(1.0, encoded[0] / recon[0])
    return None


def _value(root: ElementTree.Element, path: str, kind: type[int | float | str]) -> int | float | str | None:
    text = root.findtext(path, "").strip()
    try:
        value = kind(text)
    except ValueError:
        return None
    return value if text and (isinstance(value, str) or math.isfinite(value)) else None


def _put(root: ElementTree.Element, path: str, value: int | float | str) -> None:
    """Add an element at `path`, making its parents where they are missing."""
    node = root
    *parents, leaf = path.split("/")
    for tag in parents:
        child = node.find(tag)
        node = ElementTree.SubElement(node, tag) if child is None else child
    ElementTree.SubElement(node, leaf).text = str(value)
