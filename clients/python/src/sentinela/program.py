"""The program ``sentinela`` on this machine: what has no door over HTTP is done by its commands."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sentinela.errors import RETRYABLE_CODES, SentinelaError
from sentinela.export import Export


class Program:
    """The program, with the data folder that it works on.

    :param command: how it is called, such as ``("npx", "sentinela")`` in a clone.
    """

    def __init__(self, data_dir: str | Path | None = None, *, command: Sequence[str] = ("sentinela",)) -> None:
        self._command = tuple(command)
        self._data_dir = data_dir

    def run(self, *arguments: str) -> list[Any]:
        """Runs a command to its end and gives what it printed as values. Raises SentinelaError."""
        try:
            done = subprocess.run(
                [*self._command, *arguments, "--json"], capture_output=True, text=True, encoding="utf-8", check=False
            )
        except OSError as error:
            raise SentinelaError(
                "unreachable", f"{self._command[0]} cannot be run: {error}; give Program(command=…)"
            ) from error
        # Not splitlines(): JSON may hold U+2028, U+2029 and U+0085 as they are.
        values = [json.loads(line) for line in done.stdout.split("\n") if line.startswith(("{", "["))]
        if done.returncode == 0:
            return values
        for value in values:
            if isinstance(value, dict) and isinstance(value.get("error"), dict):
                told = dict(value["error"])
                code, message = told.pop("code"), told.pop("message")
                raise SentinelaError(
                    code, message, retryable=code in RETRYABLE_CODES, context={**told, "exit": done.returncode}
                )
        last = done.stderr.strip().split("\n")[-1] or "it said nothing"
        raise SentinelaError("internal", f"sentinela ended with {done.returncode}: {last}")

    def export(
        self,
        out: str | Path,
        *,
        labels_as_of: str,
        features: str = "pix-core",
        source: str = "silver.transactions",
        options: Sequence[str] = (),
    ) -> Export:
        """Makes a training set, as ``sentinela export create`` does, and gives it.

        :param source: a table, with ``@version`` to name one.
        :param options: further flags, such as ``("--split", "time:2026-06-01,2026-06-15")``.
        """
        arguments = ["--from", source, "--features", features, "--labels-as-of", labels_as_of, "--out", str(out)]
        self.run("export", "create", *arguments, *self._data(), *options)
        return Export(out)

    def extend(self, export: Export, *, to: str, labels_as_of: str | None = None) -> Export:
        """Brings the rows before ``to`` that came since, in files of their own, and gives the export as it is now.

        Raises ``export_mismatch`` where what it was made of has changed.
        """
        labels = [] if labels_as_of is None else ["--labels-as-of", labels_as_of]
        self.run("export", "extend", str(export.folder), "--to", to, *labels, *self._data())
        return Export(export.folder)

    def verify(self, export: Export) -> dict[str, Any]:
        """Makes an export again and compares. Raises ``export_mismatch`` that says where it differs."""
        report: dict[str, Any] = self.run("export", "verify", str(export.folder), *self._data())[0]
        return report

    def register(
        self, folder: str | Path, *, models_dir: str | Path | None = None, alias: str | None = None
    ) -> dict[str, Any]:
        """Registers a model of :func:`sentinela.write_model`. Raises ``model_invalid``, ``model_exists``."""
        flags = [] if models_dir is None else ["--models-dir", str(models_dir)]
        flags += [] if alias is None else ["--alias", alias]
        registered: dict[str, Any] = self.run("model", "register", str(folder), *flags)[0]
        return registered

    def _data(self) -> list[str]:
        return [] if self._data_dir is None else ["--data-dir", str(self._data_dir)]
