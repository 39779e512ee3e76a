"""A build backend (PEP 517) for one pure Python package: no tool to download, the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
EPOCH = (1980, 1, 1, 0, 0, 0)
Settings = dict[str, Any] | None


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """Writes the wheel with everything under src/ and gives its name."""
    files = {path.relative_to(SOURCE).as_posix(): path.read_bytes() for path in sources()}
    return write_wheel(Path(wheel_directory), files)


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Writes a wheel that points to src/ (PEP 660)."""
    return write_wheel(Path(wheel_directory), {"sentinela.pth": f"{SOURCE}\n".encode()})


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Packs the folder as it is and gives the archive's name."""
    base = name_and_version()
    packed = [ROOT / "pyproject.toml", ROOT / "README.md", Path(__file__).resolve(), *sources()]
    with tarfile.open(Path(sdist_directory) / f"{base}.tar.gz", "w:gz") as archive:
        for path in packed:
            archive.add(path, f"{base}/{path.relative_to(ROOT).as_posix()}")
    return f"{base}.tar.gz"


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def name_and_version() -> str:
    table = project()
    return f"{table['name']}-{table['version']}"


def sources() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*") if path.suffix == ".py" or path.name == "py.typed")


def metadata() -> str:
    """Core metadata 2.1, https://packaging.python.org/en/latest/specifications/core-metadata/."""
    table = project()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {table['name']}",
        f"Version: {table['version']}",
        f"Summary: {table['description']}",
        f"Requires-Python: {table['requires-python']}",
        "Description-Content-Type: text/markdown",
    ]
    lines += [f"Requires-Dist: {requirement}" for requirement in table["dependencies"]]
    for extra, requirements in table["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {requirement}; extra == '{extra}'" for requirement in requirements]
    return "\n".join(lines) + "\n\n" + (ROOT / str(table["readme"])).read_text("utf-8")


def write_wheel(folder: Path, files: dict[str, bytes]) -> str:
    """RECORD holds the sum of each file but its own, https://packaging.python.org/en/latest/specifications/binary-distribution-format/."""
    base = name_and_version()
    info = f"{base}.dist-info"
    files = files | {
        f"{info}/METADATA": metadata().encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: wheel_builder\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{name},sha256={digest(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    name: str = f"{base}-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, data)
    return name


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
