"""Trains the champion on an export and writes model, card and test vectors.

    python train.py PLAN.json

PLAN.json (made by make.mjs) says where the exports are, what the features are, and what goes into
the card. Everything that decides the result is in the plan or here: seeds, parameters, versions.
"""

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

import lightgbm as lgb
import numpy as np
import onnxruntime
import pandas as pd
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.metrics import average_precision_score

PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 255,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,
    "verbose": -1,
}
MOST_TREES = 300
PATIENCE = 60
ALERT_RATES = (0.001, 0.01)
VECTORS = 120
TOLERANCE = 1e-6


def main():
    plan = json.loads(Path(sys.argv[1]).read_text())
    names = plan["features"]
    train = read(plan["train"], names)
    validation = read(plan["validation"], names)
    tests = [(one["what"], read(one["path"], names)) for one in plan["tests"]]
    booster = exact(fit(train, validation, names, plan["seed"]))
    out = Path(plan["out"])
    out.mkdir(parents=True, exist_ok=True)
    onnx_bytes = to_onnx(booster, len(names))
    (out / "model.onnx").write_bytes(onnx_bytes)
    vectors = test_vectors(booster, tests[0][1], names)
    check_equal(onnx_bytes, vectors)
    (out / "vectors.json").write_text(vectors_text(vectors))
    evaluations = [evaluate("validation: days between training and test", validation, booster)]
    evaluations += [evaluate(what, rows, booster) for what, rows in tests]
    rows = {"train": len(train.labels), "validation": len(validation.labels)}
    card = make_card(plan, booster, onnx_bytes, evaluations, rows)
    (out / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    (out / "card.md").write_text(card_text(card, booster, names))
    for one in evaluations:
        print(f"{one['what']}: {one['rows']} rows, {one['positives']} frauds, AP {one['averagePrecision']:.3f}")


class Rows:
    """Rows with a label: features as the model sees them (float32, NaN = absent), labels 0 or 1."""

    def __init__(self, features, labels):
        self.features = features
        self.labels = labels


def read(path, names):
    frame = pd.read_parquet(path, columns=[*names, "label"])
    # Contested and censored rows have no label: nothing is known of them yet.
    frame = frame[frame["label"].notna()]
    features = frame[names].to_numpy(dtype=np.float32, na_value=np.nan)
    return Rows(np.ascontiguousarray(features), frame["label"].to_numpy(dtype=np.int8))


def fit(train, validation, names, seed):
    data = lgb.Dataset(train.features, train.labels, feature_name=list(names))
    return lgb.train(
        PARAMETERS | {"seed": seed, "metric": "average_precision"},
        data,
        num_boost_round=MOST_TREES,
        valid_sets=[lgb.Dataset(validation.features, validation.labels, reference=data)],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )


def exact(booster):
    """The same trees in a form that ONNX can hold without changing a decision.

    LightGBM's thresholds are doubles between two float32 values, ONNX's are float32: each is rounded
    down, which decides every float32 value as before (x <= t is x <= floor32(t)). A node that saw no
    missing value takes a missing one for 0; ONNX has no such rule, so it is written as a side to
    which missing values go.
    """
    lines = booster.model_to_string(num_iteration=booster.best_iteration).split("\n")
    text = []
    thresholds = []
    for line in lines:
        if line.startswith("tree_sizes="):
            continue  # Sizes in bytes, which change; without them LightGBM reads tree after tree.
        if line.startswith("threshold="):
            thresholds = [floor32(float(value)) for value in line.removeprefix("threshold=").split()]
            line = "threshold=" + " ".join(repr(value) for value in thresholds)
        if line.startswith("decision_type="):
            types = [int(value) for value in line.removeprefix("decision_type=").split()]
            line = "decision_type=" + " ".join(str(side(*one)) for one in zip(types, thresholds))
        text.append(line)
    return lgb.Booster(model_str="\n".join(text))


def floor32(value):
    near = np.float32(value)
    return float(near if float(near) <= value else np.nextafter(near, np.float32(-np.inf)))


CATEGORICAL, DEFAULT_LEFT, MISSING_NAN = 1, 2, 8


def side(decision_type, threshold):
    assert decision_type & CATEGORICAL == 0
    if decision_type & 12 == MISSING_NAN:
        return decision_type
    assert decision_type & 12 == 0, "zero is not missing here"
    return MISSING_NAN | (DEFAULT_LEFT if 0.0 <= threshold else 0)


def to_onnx(booster, width):
    model = convert_lightgbm(
        booster, initial_types=[("features", FloatTensorType([None, width]))], zipmap=False, target_opset=15
    )
    model.producer_name, model.producer_version, model.doc_string = "sentinela", "1", ""
    model.graph.name = "pix-gbm"
    return model.SerializeToString(deterministic=True)


def test_vectors(booster, rows, names):
    """Real rows, the likeliest frauds among them; then nothing at all, and each feature missing once."""
    order = np.argsort(-booster.predict(rows.features), kind="stable")
    spread = np.linspace(0, len(order) - 1, VECTORS // 2).astype(int)
    picked = rows.features[np.concatenate([order[: VECTORS - len(spread)], order[spread]])]
    nothing = np.full((1, len(names)), np.nan, dtype=np.float32)
    holes = np.repeat(picked[:1], len(names), axis=0)
    np.fill_diagonal(holes, np.nan)
    vectors = np.concatenate([picked, nothing, holes])
    return vectors, booster.predict(vectors)


def check_equal(onnx_bytes, vectors):
    features, expected = vectors
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    probabilities = session.run(["probabilities"], {"features": features})[0][:, 1]
    worst = float(np.abs(probabilities - expected).max())
    assert worst <= TOLERANCE, f"ONNX differs from LightGBM by {worst}"


def vectors_text(vectors):
    """JSON, a vector a line: float32 values as doubles, null where absent."""
    features, expected = vectors
    lines = []
    for row, score in zip(features, expected):
        values = ",".join("null" if np.isnan(value) else repr(float(value)).removesuffix(".0") for value in row)
        lines.append(f'{{"features":[{values}],"score":{float(score)!r}}}')
    return "[\n" + ",\n".join(lines) + "\n]\n"


def evaluate(what, rows, booster):
    scores = booster.predict(rows.features)
    order = np.argsort(-scores, kind="stable")
    labels = rows.labels[order]
    positives = int(labels.sum())
    recalls = []
    for rate in ALERT_RATES:
        alerts = int(len(labels) * rate)
        found = int(labels[:alerts].sum())
        recalls.append({"alertRate": rate, "recall": found / positives, "precision": found / alerts})
    return {
        "what": what,
        "rows": len(labels),
        "positives": positives,
        "averagePrecision": float(average_precision_score(rows.labels, scores)),
        "recallAtAlertRate": recalls,
        "calibration": calibration(scores[order], labels),
    }


def calibration(scores, labels):
    """The highest 0.1 %, up to 1 %, up to 10 %, the rest: what was said and what was."""
    edges = [0, *(int(len(labels) * share) for share in (0.001, 0.01, 0.1)), len(labels)]
    return [
        {"rows": b - a, "meanScore": float(scores[a:b].mean()), "fraudRate": float(labels[a:b].mean())}
        for a, b in zip(edges, edges[1:])
    ]


def make_card(plan, booster, onnx_bytes, evaluations, rows):
    rows = rows | {f"test {at + 1}": one["rows"] for at, one in enumerate(evaluations[1:])}
    libraries = ["lightgbm", "onnx", "onnxmltools", "numpy", "scikit-learn"]
    return {
        "format": 1,
        "name": plan["name"],
        "version": plan["version"],
        "description": "Gradient-boosted trees that give the probability that a Pix payment is agreed to be fraud.",
        "dataNotice": "TRAINED ON SIMULATED PAYMENTS ONLY. It knows the simulator's fraud, not Brazil's: train it on "
        "your own history before any decision depends on it.",
        "featureSet": {
            "name": plan["featureSet"]["name"],
            "version": plan["featureSet"]["version"],
            "features": plan["features"],
        },
        "model": {
            "file": "model.onnx",
            "format": "onnx",
            "sha256": hashlib.sha256(onnx_bytes).hexdigest(),
            "sizeBytes": len(onnx_bytes),
            "algorithm": "LightGBM",
            "trees": booster.num_trees(),
            "parameters": {key: str(value).lower() if isinstance(value, bool) else value for key, value in PARAMETERS.items()},
            "libraries": {name: version(name) for name in libraries},
        },
        "training": {
            "recipe": "node models/recipe/make.mjs",
            "data": plan["data"],
            "seed": plan["seed"],
            "payments": plan["payments"],
            "horizonDays": plan["horizonDays"],
            "split": plan["split"],
            "rows": rows,
            "tables": plan["tables"],
        },
        "evaluations": evaluations,
    }


def card_text(card, booster, names):
    lines = [
        f"# {card['name']} {card['version']}",
        "",
        f"**{card['dataNotice']}**",
        "",
        card["description"],
        "",
        f"- Model: {card['model']['algorithm']}, {card['model']['trees']} trees, ONNX, {card['model']['sizeBytes']} bytes,",
        f"  SHA-256 `{card['model']['sha256']}`",
        f"- Features: {len(names)} of `{card['featureSet']['name']}` version `{card['featureSet']['version']}`",
        f"- Data: {card['training']['data']}",
        f"- Split by time: {card['training']['split']}",
        f"- Label: agreed fraud known within {card['training']['horizonDays']} days; contested payments are left out",
        f"- Made by `{card['training']['recipe']}`, seed {card['training']['seed']}",
        "",
        "## How good it is",
        "",
        "| rows of | payments | frauds | average precision | recall, 0.1 % alerted | recall, 1 % alerted |",
        "|---|---|---|---|---|---|",
    ]
    for one in card["evaluations"]:
        few, many = (recall["recall"] for recall in one["recallAtAlertRate"])
        lines.append(
            f"| {one['what']} | {one['rows']:,} | {one['positives']} | {one['averagePrecision']:.3f} | {few:.1%} | {many:.1%} |"
        )
    lines += [
        "",
        "## Calibration",
        "",
        "What the scores said and what was, from the highest score down.",
        "",
        "| rows of | scores | payments | mean score | share of fraud |",
        "|---|---|---|---|---|",
    ]
    bands = ("highest 0.1 %", "to 1 %", "to 10 %", "the rest")
    for one in card["evaluations"]:
        for band, part in zip(bands, one["calibration"]):
            lines.append(
                f"| {one['what']} | {band} | {part['rows']:,} | {part['meanScore']:.5f} | {part['fraudRate']:.5f} |"
            )
    gain = booster.feature_importance("gain")
    lines += ["", "## What it looks at most", "", "| feature | share of gain |", "|---|---|"]
    for at in np.argsort(-gain, kind="stable")[:15]:
        lines.append(f"| `{names[at]}` | {gain[at] / gain.sum():.1%} |")
    lines += [
        "",
        "## Limits",
        "",
        "Payments that the policy stops have no outcome; here every simulated payment has one. Fraud that nobody contests",
        "counts as honest. Scores are probabilities at the simulator's share of fraud, not at yours.",
        "",
    ]
    return "\n".join(lines)


main()
