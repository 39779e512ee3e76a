"""A training set on disk: its manifest, and its files as pandas, polars or Arrow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentinela.errors import SentinelaError
from sentinela.export_files import read_file, sha256_of
from sentinela.libraries import polars, pyarrow

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

FORMAT = "sentinela-export/1"


class Export:
    """An export's folder.

    >>> train = Export("training").pandas("train", labelled=True)
    >>> x, y = train[Export("training").features], train["label"]
    """

    def __init__(self, folder: str | Path) -> None:
        """Reads the manifest. Raises SentinelaError ``invalid_export``."""
        self.folder = Path(folder)
        self.manifest: Mapping[str, Any] = _manifest(self.folder)

    @property
    def features(self) -> list[str]:
        """Names of the features, in the order of the vector that a model is given."""
        return list(self.manifest["features"])

    @property
    def feature_set(self) -> str:
        """``name@version`` of the feature set."""
        named = self.manifest["featureSet"]
        return f"{named['name']}@{named['version']}"

    @property
    def splits(self) -> list[str]:
        """Names of the files' splits: ``all``, or ``train``, ``validation``, ``test``."""
        return list(dict.fromkeys(file["split"] for file in self.manifest["files"]))

    def dictionary(self) -> dict[str, str]:
        """What each column means, in the order of the columns."""
        return {column["name"]: column["description"] for column in self.manifest["columns"]}

    def paths(self, split: str) -> list[Path]:
        """The files of a split: one, and one for each extension that brought rows. Raises SentinelaError ``not_found``."""
        found = [self.folder / str(file["name"]) for file in self.manifest["files"] if file["split"] == split]
        if found:
            return found
        raise SentinelaError("not_found", f"the export has no split {split}: there is {', '.join(self.splits)}")

    def path(self, split: str) -> Path:
        """The first file of a split. Raises SentinelaError ``not_found``."""
        return self.paths(split)[0]

    def check(self) -> None:
        """Compares each file with its sum in the manifest. Raises SentinelaError ``export_mismatch``."""
        for file in self.manifest["files"]:
            if sha256_of(self.folder / str(file["name"])) != file["sha256"]:
                raise SentinelaError("export_mismatch", f"{file['name']} is not the file that the manifest names")

    def arrow(self, split: str, *, columns: Sequence[str] | None = None, labelled: bool = False) -> pa.Table:
        """The rows of a split. Needs the extra ``arrow``.

        :param columns: columns in the order of the answer; all where none are given.
        :param labelled: leaves rows out that have no label: contested, censored, without an outcome, of a payment that the lake does not know.
        """
        wanted = list(self.dictionary()) if columns is None else list(columns)
        unknown = [name for name in wanted if name not in self.dictionary()]
        if unknown:
            raise SentinelaError("not_found", f"the export has no column {unknown[0]}: dictionary() lists them")
        types = {column["name"]: column["type"] for column in self.manifest["columns"]}
        read = [*wanted, "label"] if labelled and "label" not in wanted else wanted
        form = self.manifest.get("fileFormat", "parquet")
        table = pyarrow().concat_tables([read_file(path, form, read, types) for path in self.paths(split)])
        if labelled:
            table = table.filter(pyarrow("pyarrow.compute").is_valid(table["label"]))
        return table.select(wanted)

    def pandas(self, split: str, *, columns: Sequence[str] | None = None, labelled: bool = False) -> pd.DataFrame:
        """The rows of a split as :meth:`arrow` gives them; features keep their float type, NaN where absent.

        Needs the extra ``pandas``.
        """
        frame: pd.DataFrame = self.arrow(split, columns=columns, labelled=labelled).to_pandas()
        if labelled and "label" in frame:
            frame["label"] = frame["label"].astype("int8")
        return frame

    def polars(self, split: str, *, columns: Sequence[str] | None = None, labelled: bool = False) -> pl.DataFrame:
        """The rows of a split as :meth:`arrow` gives them. Needs the extra ``polars``."""
        frame: pl.DataFrame = polars().from_arrow(self.arrow(split, columns=columns, labelled=labelled))
        return frame


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SentinelaError("invalid_export", f"{folder} holds no export: {path.name} cannot be read ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise SentinelaError("invalid_export", f"{path} is not of the form {FORMAT}")
    return manifest
