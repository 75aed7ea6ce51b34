"""Scans in and results out, training slices on the fly, and the embedded data sets."""

from mrilab.data.embedded import dataset
from mrilab.data.scans import Scan, read_scan, write_scan
from mrilab.data.slices import brain_slices
