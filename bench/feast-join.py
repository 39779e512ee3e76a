"""Feast's own point-in-time join of two feature views, over files that the bench made. Prints seconds and peak memory."""

import json
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path

import pandas
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64, ValueType

request = json.load(sys.stdin)
folder = Path(request["folder"])
store = FeatureStore(
    config=RepoConfig(
        project="bench",
        provider="local",
        registry=str(folder / "registry.db"),
        offline_store={"type": "duckdb"},
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
)
entities = {
    key: Entity(name=key, join_keys=[key], value_type=ValueType.STRING) for key in request["keys"]
}
views = [
    FeatureView(
        name=f"{key}_view",
        entities=[entities[key]],
        ttl=timedelta(days=request["ttlDays"]),
        schema=[Field(name=name, dtype=Float64) for name in request["columns"][key]],
        source=FileSource(path=str(folder / f"{key}.parquet"), timestamp_field="event_time"),
    )
    for key in request["keys"]
]
store.apply([*entities.values(), *views])

began = time.perf_counter()
rows = pandas.read_parquet(folder / "rows.parquet").rename(columns={"event_time": "event_timestamp"})
features = [f"{key}_view:{name}" for key in request["keys"] for name in request["columns"][key]]
joined = store.get_historical_features(entity_df=rows, features=features).to_df()
joined.to_parquet(folder / "feast.parquet")
seconds = time.perf_counter() - began
print(
    json.dumps(
        {
            "seconds": seconds,
            "mostMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "rows": len(joined),
        }
    )
)
