"""Scans in and results out, training slices on the fly, and the embedded data sets."""

from mrilab.data.scans import Scan, read_scan, write_scan

__all__ = ["Scan", "read_scan", "write_scan"]
