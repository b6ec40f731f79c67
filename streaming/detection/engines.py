"""Networks that run: images in, raw output out. torch is not imported here.

ultralytics' own way to an exported network imports torch: 17.6 s of CPU and 822 MB up to the first
frame, against 2.6 s and 163 MB here (both on a busy machine). An export needs neither: its metadata
tell all that is left to do.
"""

import ast
import contextlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import yaml
from numpy.typing import NDArray

from streaming.errors import ModelError
from streaming.file_lock import file_lock

_SETTING = "detection.model"
_COMPILE_S = 120.0
MOST_LANES = 8
"""More threads than this do not make one worker faster: Python has one interpreter lock."""


@dataclass(frozen=True, slots=True)
class Description:
    """What an export tells about itself; `size` in pixels, `fixed` where it takes no other."""

    names: Mapping[int, str]
    stride: int
    size: int
    fixed: bool
    batch: int | None
    """How many images a call must have, or None where any number will do."""


class Engine(Protocol):
    """One loaded network. Up to `lanes` threads use it at once."""

    description: Description
    lanes: int

    def infer(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(batch, height, width, 3) BGR to the first output, (batch, …)."""


class OpenVinoEngine:
    """An OpenVINO IR, or an ONNX file, on OpenVINO."""

    def __init__(self, path: Path, *, device: str, cache: Path) -> None:
        import openvino as ov

        if device.startswith("cuda"):
            raise ModelError(
                f"detection.device: OpenVINO does not run on {device}; set detection.runtime: "
                "torch or onnx"
            )
        core = ov.Core()
        file = path if path.is_file() else _only_xml(path)
        try:
            model = core.read_model(file)
            shape = model.input(0).get_partial_shape()
            self.description = _description(path, _metadata(path, model), _known(shape))
            device = device.removeprefix("intel:").upper()
            # Two workers that fill the cache at once fail over each other's file.
            with file_lock(cache / ".lock", timeout_s=_COMPILE_S, doing="compiling the model"):
                compiled = core.compile_model(_taking_pictures(model), device, _wishes(cache))
            self.lanes = min(
                MOST_LANES, int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
            )
        except RuntimeError as exc:
            raise ModelError(f"{_SETTING}: OpenVINO cannot load {path}: {_first(exc)}") from exc
        self._compiled = compiled
        self._own = threading.local()

    def infer(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        request = getattr(self._own, "request", None)
        if request is None:
            request = self._own.request = self._compiled.create_infer_request()
        try:
            outputs = request.infer({0: images}, share_inputs=True, share_outputs=True)
        except RuntimeError as exc:
            raise ModelError(f"{_SETTING}: OpenVINO failed: {_first(exc)}") from exc
        return cast("NDArray[np.float32]", outputs[0])


class OnnxEngine:
    """An ONNX file on ONNX Runtime."""

    def __init__(self, path: Path, *, device: str) -> None:
        import onnxruntime as ort

        providers = ["CPUExecutionProvider"]
        options = ort.SessionOptions()
        self.lanes = 1
        if device.startswith("cuda"):
            providers.insert(0, "CUDAExecutionProvider")
        else:
            self.lanes = min(MOST_LANES, os.cpu_count() or 1)
            options.intra_op_num_threads = max(1, (os.cpu_count() or 1) // self.lanes)
        try:
            self._session = ort.InferenceSession(str(path), options, providers=providers)
        except Exception as exc:
            raise ModelError(f"{_SETTING}: ONNX Runtime cannot load {path}: {_first(exc)}") from exc
        taken = self._session.get_inputs()[0]
        metadata = self._session.get_modelmeta().custom_metadata_map
        shape = [d if isinstance(d, int) else None for d in taken.shape]
        self.description = _description(path, metadata, shape)
        self._input = taken.name

    def infer(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        pictures = np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2), np.float32)
        pictures /= 255.0
        return cast("NDArray[np.float32]", self._session.run(None, {self._input: pictures})[0])


def _wishes(cache: Path) -> dict[str, Any]:
    """For OpenVINO: many calls at once, a core each, rather than one call on all cores.

    Measured on two cores with other work beside it (320 px, batch 8): 7.5 ms a frame this way,
    25 ms with PERFORMANCE_HINT LATENCY, whose threads wait for each other. Pinned, two workers
    would share a core and leave another idle.
    """
    return {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "ENABLE_CPU_PINNING": False,
        "CACHE_DIR": str(cache),
    }


def _taking_pictures(model: Any) -> Any:
    """The network with OpenCV's own layout as input: bytes, BGR, channels last."""
    from openvino import Layout, Type
    from openvino.preprocess import ColorFormat, PrePostProcessor

    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
    steps.input().tensor().set_color_format(ColorFormat.BGR)
    steps.input().model().set_layout(Layout("NCHW"))
    steps.input().preprocess().convert_element_type(Type.f32)
    steps.input().preprocess().convert_color(ColorFormat.RGB).scale(255.0)
    return steps.build()


def _metadata(path: Path, model: Any) -> Mapping[str, Any]:
    file = path / "metadata.yaml"
    if file.is_file():
        return cast("Mapping[str, Any]", yaml.safe_load(file.read_text()))
    entries: dict[str, Any] = {}
    for key in ("names", "stride", "imgsz", "task"):
        with contextlib.suppress(RuntimeError):
            entries[key] = model.get_rt_info(["framework", key]).astype(str)
    return entries


def _description(path: Path, metadata: Mapping[str, Any], shape: list[int | None]) -> Description:
    found = {key: _literal(value) for key, value in metadata.items()}
    if not isinstance(found.get("names"), dict) or found.get("task", "detect") != "detect":
        raise ModelError(
            f"{_SETTING}: {path} is no detection network that ultralytics exported "
            "(its metadata name no classes)"
        )
    height, width = shape[2], shape[3]
    if height is not None and height != width:
        raise ModelError(f"{_SETTING}: {path} takes {width}x{height} only; export it square")
    sizes = found.get("imgsz") or [320]
    return Description(
        names={int(index): str(name) for index, name in found["names"].items()},
        stride=int(found.get("stride", 32)),
        size=height or max(sizes if isinstance(sizes, list) else [sizes]),
        fixed=height is not None,
        batch=shape[0],
    )


def _literal(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return value


def _known(shape: Any) -> list[int | None]:
    return [None if d.is_dynamic else d.get_length() for d in shape]


def _only_xml(folder: Path) -> Path:
    files = sorted(folder.glob("*.xml"))
    if len(files) != 1:
        raise ModelError(f"{_SETTING}: {folder} must hold one .xml file, it has {len(files)}")
    return files[0]


def _first(exc: Exception) -> str:
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return lines[-1] if lines else type(exc).__name__
