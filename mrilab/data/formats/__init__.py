"""Formats in and out: one file a format, found by what is in the file."""

from mrilab.data.formats.detect import find_format, read_any
from mrilab.data.formats.raw import Raw
