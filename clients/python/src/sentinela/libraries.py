"""Libraries that this package can do without; each is loaded when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from sentinela.errors import SentinelaError


def pandas() -> Any:
    """pandas. Raises SentinelaError ``missing_library``."""
    return _load("pandas", "pandas")


def polars() -> Any:
    """polars. Raises SentinelaError ``missing_library``."""
    return _load("polars", "polars")


def pyarrow(module: str = "pyarrow") -> Any:
    """pyarrow, or a module of it. Raises SentinelaError ``missing_library``."""
    return _load(module, "arrow")


def deltalake() -> Any:
    """deltalake. Raises SentinelaError ``missing_library``."""
    return _load("deltalake", "delta")


def pyspark(module: str = "pyspark") -> Any:
    """pyspark, or a module of it. Raises SentinelaError ``missing_library``."""
    return _load(module, "spark")


def _load(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SentinelaError(
            "missing_library", f"{module} is not installed: pip install 'sentinela[{extra}]'"
        ) from error
