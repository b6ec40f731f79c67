"""`detection.model` and `detection.runtime` as a file that can be loaded."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from streaming.errors import ModelError

Runtime = Literal["openvino", "onnx", "torch"]

SHIPPED = Path(__file__).parent / "model"
SHIPPED_NAME = "trafficmon-yolo11n"
_SETTING = "detection.model"
_OFFERED = ("", ".pt", ".yaml")
"""Of the names under which ultralytics offers models."""
_EXPORT_TIMEOUT_S = 600
_EXPORT = """
import sys
from ultralytics import YOLO
model, form, size, out = sys.argv[1:]
options = {"simplify": False} if form == "onnx" else {}
made = YOLO(model).export(format=form, imgsz=int(size), dynamic=True, **options)
print(made, file=open(out, "w"))
"""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file or folder that the runtime loads; `name` is what messages call the model."""

    name: str
    path: Path
    runtime: Runtime


def locate(model: str, runtime: Runtime, *, size: int, state_dir: Path) -> ModelFile:
    """Where the model lies in the form that the runtime wants; exported once if need be.

    Exports are kept under `<state_dir>/models` by the content they come from.

    Raises:
        ModelError: there is no such model, or it cannot be exported.
    """
    if model == "builtin":
        return _builtin(runtime, size, state_dir)
    path = Path(model).expanduser()
    name = path.stem.removesuffix("_openvino_model")
    if path.is_dir():
        if runtime != "openvino":
            raise ModelError(f"{_SETTING}: {model} is OpenVINO's; set detection.runtime: openvino")
        return ModelFile(name, path, runtime)
    if path.suffix == ".onnx":
        if not path.is_file():
            raise ModelError(f"{_SETTING}: no file {model}")
        if runtime == "torch":
            raise ModelError(
                f"{_SETTING}: {model} is ONNX; set detection.runtime: onnx or openvino"
            )
        return ModelFile(name, path, runtime)
    if not path.is_file() and (path.name != model or path.suffix not in _OFFERED):
        raise ModelError(f"{_SETTING}: no file {model}")
    require_torch(model)
    weights = path if path.is_file() else _downloaded(model, state_dir)
    if runtime == "torch":
        return ModelFile(name, weights, runtime)
    return ModelFile(name, _exported(weights, runtime, size, state_dir), runtime)


def require_torch(model: str) -> None:
    """ultralytics and torch are an extra of the package.

    Raises:
        ModelError: they are not installed.
    """
    if importlib.util.find_spec("ultralytics") is None:
        raise ModelError(
            f"{_SETTING}: {model} needs PyTorch and ultralytics, which are not installed: "
            "`make setup TORCH=cpu`, or pip install '.[torch]'; builtin on openvino, a folder that "
            "OpenVINO exported and a .onnx file need neither"
        )


def quiet_environment(state_dir: Path) -> dict[str, str]:
    """What keeps ultralytics (and OpenVINO's exporter) from calling home or installing things."""
    folder = state_dir.absolute() / "ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "YOLO_OFFLINE": "1",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_CONFIG_DIR": str(folder),
        "YOLO_VERBOSE": "false",
        "CI": "true",  # openvino-telemetry sends nothing there
    }


def ultralytics_yolo(state_dir: Path) -> Any:
    """ultralytics' YOLO, imported quietly: it reads the environment then and never again.

    So neither our variables nor those it sets itself stay behind in the process, for its
    children and for whoever asks whether this is CI.
    """
    before = dict(os.environ)
    os.environ.update(quiet_environment(state_dir))
    try:
        from ultralytics import YOLO

        return YOLO
    finally:
        for name in os.environ.keys() - before.keys():
            os.environ.pop(name)
        os.environ.update(before)


def _builtin(runtime: Runtime, size: int, state_dir: Path) -> ModelFile:
    weights = SHIPPED / f"{SHIPPED_NAME}.pt"
    folder = SHIPPED / f"{SHIPPED_NAME}_openvino_model"
    if runtime == "openvino" and folder.is_dir():
        return ModelFile(SHIPPED_NAME, folder, runtime)
    if not weights.is_file():
        raise ModelError(f"{_SETTING}: the shipped model is not in {SHIPPED}; install again")
    require_torch(f"builtin on {runtime}")
    if runtime == "torch":
        return ModelFile(SHIPPED_NAME, weights, runtime)
    return ModelFile(SHIPPED_NAME, _exported(weights, runtime, size, state_dir), runtime)


def _downloaded(model: str, state_dir: Path) -> Path:
    """A model that ultralytics offers by name, kept under `<state_dir>/models`."""
    wanted = state_dir.absolute() / "models" / (model if Path(model).suffix else f"{model}.pt")
    if wanted.is_file():
        return wanted
    wanted.parent.mkdir(parents=True, exist_ok=True)
    script = "import sys; from ultralytics import YOLO; YOLO(sys.argv[1])"
    _run([script, str(wanted)], state_dir, what=f"fetch {model}")
    if not wanted.is_file():
        raise ModelError(f"{_SETTING}: ultralytics has no model {model}")
    return wanted


def _exported(weights: Path, runtime: Runtime, size: int, state_dir: Path) -> Path:
    content = hashlib.blake2b(weights.read_bytes(), digest_size=8).hexdigest()
    models = state_dir.absolute() / "models"
    kept = models / f"{weights.stem}-{content}-{size}"
    target = kept / (
        f"{weights.stem}_openvino_model" if runtime == "openvino" else f"{weights.stem}.onnx"
    )
    if target.exists():
        return target
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models) as work:
        copy = Path(work) / weights.name  # ultralytics writes beside the weights
        shutil.copyfile(weights, copy)
        answer = Path(work) / "answer"
        _run(
            [_EXPORT, str(copy), runtime, str(size), str(answer)],
            state_dir,
            what=f"export {weights.name} for {runtime}",
        )
        kept.mkdir(exist_ok=True)
        made = Path(answer.read_text().strip())
        try:
            made.rename(target)
        except OSError:  # another worker was faster
            if not target.exists():
                raise
    return target


def _run(script: list[str], state_dir: Path, *, what: str) -> None:
    """Python code in a process of its own: torch must not stay in the worker's memory."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", *script],
            env=os.environ | quiet_environment(state_dir),
            cwd=state_dir,
            capture_output=True,
            text=True,
            timeout=_EXPORT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ModelError(f"{_SETTING}: could not {what} in {_EXPORT_TIMEOUT_S} s") from exc
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise ModelError(
            f"{_SETTING}: could not {what}: {lines[-1] if lines else 'no reason given'}"
        )
