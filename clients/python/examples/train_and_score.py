"""From a lake to a scored payment: list, export, train, register, score.

    pip install './clients/python[pandas]' lightgbm onnxmltools onnx scikit-learn skl2onnx
    python clients/python/examples/train_and_score.py --work work --command "npx sentinela"

Makes its own small lake of simulated payments (--count), so that it runs anywhere; give --data-dir for yours. Whatever
it finds says nothing about real fraud: the payments are simulated.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
from importlib.metadata import version
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.metrics import average_precision_score

import sentinela

SEED = 7
PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "lambda_l2": 5.0,
    "deterministic": True,
    "num_threads": 1,
    "seed": SEED,
    "verbose": -1,
}
TREES = 60
# The simulator's 90 days from 2026-05-01: training to day 45 with labels known by then, test from day 60.
SPLIT = "time:2026-06-15,2026-06-30"
LABELS_AS_OF = "2026-08-29"
HORIZON = "20d"


def main() -> None:
    asked = arguments()
    work: Path = asked.work
    work.mkdir(parents=True, exist_ok=True)
    data_dir: Path = asked.data_dir or work / "data"
    program = sentinela.Program(data_dir, command=shlex.split(asked.command))
    if asked.data_dir is None:
        simulate(program, work, data_dir, asked.count)

    # 1. A training set: what was known when each payment was scored, and what became of it.
    options = ("--split", SPLIT, "--horizon", HORIZON)
    export = program.export(work / "training", labels_as_of=LABELS_AS_OF, options=options)
    print(f"{export.feature_set}: {len(export.features)} features")
    for split in export.splits:
        print(f"  {split}: {len(export.arrow(split, columns=['label'], labelled=True))} labelled rows")
    for name, meaning in list(export.dictionary().items())[:12]:
        print(f"  {name}: {meaning}")

    # 2. A model.
    booster = train(export)
    rows, labels = vectors(export, "test")
    precision = float(average_precision_score(labels, booster.predict(rows)))
    print(f"average precision {precision:.3f} over {labels.sum()} frauds of {len(labels)} rows")

    # 3. Its ONNX file with a card, registered outside of the program.
    models_dir = work / "models"
    folder = sentinela.write_model(
        work / "model",
        to_onnx(booster, len(export.features)),
        export,
        name="example",
        version="1",
        description="Gradient-boosted trees that give the probability that a Pix payment is agreed to be fraud.",
        data_notice="TRAINED ON A FEW SIMULATED PAYMENTS: an example, not for decisions.",
        algorithm=sentinela.Algorithm(
            "LightGBM",
            booster.num_trees(),
            {key: str(value) for key, value in PARAMETERS.items()},
            {name: version(name) for name in ("lightgbm", "onnxmltools")},
        ),
        recipe="python clients/python/examples/train_and_score.py",
        seed=SEED,
    )
    print("registered:", program.register(folder, models_dir=models_dir, alias="champion"))

    # 4. A server with the model, and a payment.
    with serving(program, models_dir, shlex.split(asked.command), data_dir) as server:
        with sentinela.Client(server.url) as client:
            compare_online(client, booster)


def compare_online(client: sentinela.Client, booster: lgb.Booster) -> None:
    """Reads a payment's vector as it will be scored, scores it, and compares with the model at hand."""
    payment = example_payment()
    online = client.online([{"payment": payment}])
    vector = np.array([online.rows[0].values], dtype=np.float32)
    decision = client.score(payment)
    expected = float(booster.predict(vector)[0])
    print(json.dumps({"decision": decision["decision"], "score": decision["score"], "model": decision["model"]["name"]}))
    difference = abs(decision["score"] - expected)
    print(f"the server's score differs from LightGBM's by {difference:.1e}")
    assert difference <= 1e-6, "the server and the model at hand must agree"


def simulate(program: sentinela.Program, work: Path, data_dir: Path, count: int) -> None:
    """A lake of simulated payments with more fraud than there is, so that few payments teach something."""
    file = str(work / "payments.ndjson")
    flags = ("--count", str(count), "--days", "90", "--start", "2026-05-01", "--fraud-rate", "0.02")
    program.run("simulate", *flags, "--seed", str(SEED), "--out", file)
    program.run("import", file, "--labels", f"{file}.labels.ndjson", "--data-dir", str(data_dir))


def vectors(export: sentinela.Export, split: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8]]:
    """Features as the model sees them, and labels; rows without a label are left out."""
    frame = export.pandas(split, columns=[*export.features, "label"], labelled=True)
    return frame[export.features].to_numpy(dtype=np.float32), frame["label"].to_numpy(dtype=np.int8)


def train(export: sentinela.Export) -> lgb.Booster:
    rows, labels = vectors(export, "train")
    return lgb.train(PARAMETERS, lgb.Dataset(rows, labels), num_boost_round=TREES)


def to_onnx(booster: lgb.Booster, width: int) -> bytes:
    model = convert_lightgbm(
        booster, initial_types=[("features", FloatTensorType([None, width]))], zipmap=False, target_opset=15
    )
    written: bytes = model.SerializeToString(deterministic=True)
    return written


class serving:
    """``sentinela serve`` on free ports, for the time of a ``with``."""

    def __init__(self, program: sentinela.Program, models_dir: Path, command: list[str], data_dir: Path) -> None:
        self._arguments = [
            *command, "serve", "--json", "--http-port", "0", "--grpc-port", "0", "--data-dir", str(data_dir),
            "--models-dir", str(models_dir), "--model", "champion", "--log-level", "warn", "--deadline-ms", "5000",
        ]  # fmt: skip
        self.url = ""

    def __enter__(self) -> serving:
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        for line in self._process.stdout or ():
            if line.startswith('{"ready"'):
                self.url = f"http://127.0.0.1:{json.loads(line)['ready']['http']}"
                return self
        raise SystemExit("the server ended before it was ready")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def example_payment() -> dict[str, object]:
    account = {"branch": "1", "number": "123456", "type": "CACC"}
    return {
        "endToEndId": "E1234567820260729120012345678901",
        "side": "PAYER",
        "amount": "1500.00",
        "acceptedAt": "2026-07-29T12:00:05.123Z",
        "payer": {"ispb": "12345678", "document": "52998224725", "account": account},
        "payee": {"ispb": "87654321", "document": "11144477735", "account": {"number": "99887766", "type": "TRAN"}},
        "pixKey": {"type": "EMAIL", "value": "loja@example.com"},
        "localInstrument": "DICT",
        "purpose": "IPAY",
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder for everything that is made")
    parser.add_argument("--data-dir", type=Path, help="your data folder; without it payments are simulated")
    parser.add_argument("--count", type=int, default=20_000, help="simulated payments")
    parser.add_argument("--command", default="npx sentinela", help="how the program is called")
    return parser.parse_args()


if __name__ == "__main__":
    main()
