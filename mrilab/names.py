"""Names of files: as text that can be stored and drawn, and short enough for a file system."""

import os
import re

LONGEST = 255  # bytes that a file's name may have in most file systems
SURROGATES = re.compile("[\ud800-\udfff]")


def readable(name: object) -> str:
    """Return a path or a text with "?" for each byte that is not UTF-8.

    Python keeps such bytes of a name as lone surrogates, which HDF5, JSON and PNG have no place for.
    """
    return SURROGATES.sub("?", str(name))


def fitting(stem: str, ending: str) -> str:
    """Return `stem` + `ending`, with the stem cut between two characters where a file system takes no more bytes."""
    while stem and len(os.fsencode(stem + ending)) > LONGEST:
        stem = stem[:-1]
    return stem + ending
