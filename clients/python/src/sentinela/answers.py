"""What the server answers, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentinela.libraries import pandas

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Feature:
    """A feature of a set, with its meaning."""

    name: str
    description: str
    #: The type of its value.
    type: str
    owner: str | None
    #: The value for an entity that was never seen; None where there is none.
    default: float | None
    #: The rest of its definition: kind, entity, aggregate, window and so on.
    definition: Mapping[str, Any]


@dataclass(frozen=True)
class FeatureSet:
    """A feature set that the server serves."""

    name: str
    #: The first digits of ``hash``; decisions, exports and model cards carry it.
    version: str
    hash: str
    epoch: int
    description: str
    features: tuple[Feature, ...]

    @property
    def names(self) -> list[str]:
        """The features' names, in the order of the vector."""
        return [feature.name for feature in self.features]

    def feature(self, name: str) -> Feature:
        """The feature of a name. Raises KeyError."""
        for feature in self.features:
            if feature.name == name:
                return feature
        raise KeyError(name)


@dataclass(frozen=True)
class OnlineRow:
    """Features of one row of a read."""

    #: The windows' end, RFC 3339.
    at: str
    #: None where there is no value; why is in ``statuses``.
    values: tuple[float | None, ...]
    statuses: tuple[str, ...]
    #: For each kind of entity the number (epoch, seq) up to which the values see; None where the row names none.
    saw: Mapping[str, Mapping[str, int] | None]


@dataclass(frozen=True)
class OnlineFeatures:
    """The answer to an online read."""

    #: ``name@version`` of the set.
    feature_set: str
    features: tuple[str, ...]
    rows: tuple[OnlineRow, ...]

    def to_dicts(self) -> list[dict[str, float | None]]:
        """A dict from name to value for each row."""
        return [dict(zip(self.features, row.values, strict=True)) for row in self.rows]

    def to_pandas(self) -> pd.DataFrame:
        """Values as doubles, NaN where there is none, features in order. Needs the extra ``pandas``."""
        return self._frame([row.values for row in self.rows], "float64")

    def statuses_to_pandas(self) -> pd.DataFrame:
        """Statuses, in the form of :meth:`to_pandas`."""
        return self._frame([row.statuses for row in self.rows], "object")

    def _frame(self, rows: Sequence[Sequence[object]], dtype: str) -> pd.DataFrame:
        return pandas().DataFrame(rows, columns=list(self.features)).astype(dtype)


def feature_set_of(answer: Mapping[str, Any]) -> FeatureSet:
    """A set as ``GET /v1/features`` lists it."""
    return FeatureSet(
        name=answer["name"],
        version=answer["version"],
        hash=answer["hash"],
        epoch=answer["epoch"],
        description=answer["description"],
        features=tuple(
            Feature(one["name"], one["description"], one["type"], one["owner"], one["default"], one["definition"])
            for one in answer["features"]
        ),
    )


def online_features_of(answer: Mapping[str, Any]) -> OnlineFeatures:
    """The answer of ``POST /v1/features/online``."""
    named = answer["featureSet"]
    return OnlineFeatures(
        feature_set=f"{named['name']}@{named['version']}",
        features=tuple(answer["features"]),
        rows=tuple(
            OnlineRow(row["at"], tuple(map(_double, row["values"])), tuple(row["statuses"]), row["saw"])
            for row in answer["rows"]
        ),
    )


def _double(value: float | None) -> float | None:
    # JSON writes a whole double as an integer.
    return None if value is None else float(value)
