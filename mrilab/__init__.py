"""mrilab: a course on accelerated MRI reconstruction that you can run, and the toolbox behind it."""

from importlib.metadata import version

__version__ = version("mrilab")
