"""A model as Sentinela registers it: the ONNX file and its card, in one folder."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentinela.export import Export


@dataclass(frozen=True)
class Algorithm:
    """What made the model."""

    name: str
    trees: int = 0
    parameters: Mapping[str, str | float] = field(default_factory=dict)
    #: Versions of the libraries, by name.
    libraries: Mapping[str, str] = field(default_factory=dict)


def write_model(
    folder: str | Path,
    onnx: bytes,
    export: Export,
    *,
    name: str,
    version: str,
    description: str,
    data_notice: str,
    algorithm: Algorithm,
    recipe: str,
    seed: int = 0,
    evaluations: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Writes ``model.onnx``, its card and the export's manifest; ``Program.register`` takes the folder.

    The card tells of the export with all of its extensions: their rows, and the commands that make each.

    The model has one float32 input (rows × the export's features, NaN = absent) and an output of two
    probabilities a row.

    :param data_notice: what it was trained on, said first wherever the model is shown.
    :param recipe: the command that makes the model again.
    :param evaluations: as models/README.md has them; may be empty.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    manifest = export.manifest
    # An extension brings more files of a split.
    rows = {
        split: sum(int(file["counts"]["rows"]) for file in manifest["files"] if file["split"] == split)
        for split in export.splits
    }
    parts = [manifest, *manifest.get("extensions", ())]
    commands = [str(part["command"]) for part in parts]
    named = manifest["featureSet"]
    card = {
        "format": 1,
        "name": name,
        "version": version,
        "description": description,
        "dataNotice": data_notice,
        "featureSet": {"name": named["name"], "version": named["version"], "features": export.features},
        "model": {
            "file": "model.onnx",
            "format": "onnx",
            "sha256": hashlib.sha256(onnx).hexdigest(),
            "sizeBytes": len(onnx),
            "algorithm": algorithm.name,
            "trees": algorithm.trees,
            "parameters": dict(algorithm.parameters),
            "libraries": dict(algorithm.libraries),
        },
        "training": {
            "recipe": recipe,
            "data": " && ".join(commands),
            "seed": seed,
            "payments": sum(int(part["rows"]) for part in parts),
            "horizonDays": manifest["labels"]["horizonMicros"] // 86_400_000_000,
            "split": json.dumps(manifest["split"], ensure_ascii=False),
            "rows": rows,
            # Those of the newest part; the command of each names its own.
            "tables": parts[-1]["tables"],
        },
        "evaluations": list(evaluations),
    }
    (place / "model.onnx").write_bytes(onnx)
    (place / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")
    text = [f"# {name} {version}", "", f"**{data_notice}**", "", description, "", f"Made by `{recipe}`, from", ""]
    (place / "card.md").write_text("\n".join([*text, *(f"    {command}" for command in commands), ""]), "utf-8")
    if manifest.get("histograms") is not None:
        # What drift is measured against.
        shutil.copyfile(export.folder / "manifest.json", place / "manifest.json")
    return place
