"""The mark of tests that load, export or train a .pt: PyTorch is an extra of the package."""

from importlib.util import find_spec

import pytest

needs_torch = pytest.mark.skipif(
    find_spec("ultralytics") is None, reason="needs PyTorch: make setup TORCH=cuda"
)
