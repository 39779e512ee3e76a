"""The handbook's features by pandas, from the file itself, against those of an export; JSON in, JSON out."""

import json
import random
import sys
from datetime import datetime, timedelta

import pandas as pd

WINDOWS = [1, 7, 30]
DELAY = 7


def by_pandas(path):
    rows = pd.read_csv(path, parse_dates=["TX_DATETIME"])
    time = rows["TX_DATETIME"].dt
    rows["tx_during_weekend"] = (time.day_of_week >= 5).astype(int)
    rows["tx_during_night"] = (time.hour <= 6).astype(int)

    def rolling(key, days, column):
        """Count and sum of each payment's last days, itself among them, in the order of the file."""
        window = rows.groupby(key).rolling(f"{days}D", on="TX_DATETIME")[column]
        # pandas gives the groups one after the other, each in the order of the file.
        order = rows[key].argsort(kind="stable")
        return [pd.Series(found.to_numpy(), index=order).sort_index() for found in (window.count(), window.sum())]

    for days in WINDOWS:
        count, total = rolling("CUSTOMER_ID", days, "TX_AMOUNT")
        rows[f"customer_id_nb_tx_{days}day_window"] = count
        rows[f"customer_id_avg_amount_{days}day_window"] = total / count
    late_count, late_frauds = rolling("TERMINAL_ID", DELAY, "TX_FRAUD")
    for days in WINDOWS:
        long_count, long_frauds = rolling("TERMINAL_ID", DELAY + days, "TX_FRAUD")
        count = long_count - late_count
        rows[f"terminal_id_nb_tx_{days}day_window"] = count
        rows[f"terminal_id_risk_{days}day_window"] = ((long_frauds - late_frauds).round() / count).fillna(0)
    return rows


def exact_ties(rows):
    """Payments that are seven days to the second after a fraud of their terminal."""
    frauds = set(zip(rows["TERMINAL_ID"][rows["TX_FRAUD"] == 1], rows["TX_DATETIME"][rows["TX_FRAUD"] == 1]))
    return sum(
        (terminal, at - pd.Timedelta(days=DELAY)) in frauds for terminal, at in zip(rows["TERMINAL_ID"], rows["TX_DATETIME"])
    )


def write_file(path, seed, count):
    """A file with all that is rare in the public one: ties, whole days between payments, many frauds."""
    draw = random.Random(seed)
    start = datetime(2026, 3, 1)
    times = sorted(start + timedelta(hours=draw.randrange(24 * 60)) for _ in range(count))
    with open(path, "w", encoding="utf8") as file:
        file.write("TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD\n")
        for number, at in enumerate(times):
            amount = draw.choice([0, 1, 57.5, 12.34, 140.29999999999998, round(draw.uniform(0, 500), 2)])
            fraud = int(draw.random() < 0.2)
            file.write(f"{number},{at},{draw.randrange(20)},{draw.randrange(12)},{amount},{fraud}\n")


def compare(csv, parquet):
    expected = by_pandas(csv)
    exported = pd.read_parquet(parquet)
    exported["TRANSACTION_ID"] = exported["source_id"].astype(int)
    exported = exported.sort_values("TRANSACTION_ID").reset_index(drop=True)
    names = [name for name in expected.columns if name.islower()]
    report = {"rows": len(exported), "ties": int(exact_ties(expected)), "values": 0, "differing": {}, "worst": 0.0}
    assert list(expected["TRANSACTION_ID"]) == list(exported["TRANSACTION_ID"])
    for name in names:
        is_whole = "_avg_" not in name and "_risk_" not in name
        off = (exported[name].astype("float64") - expected[name]).abs().fillna(float("inf"))
        report["values"] += len(off)
        wrong = int((off > (0 if is_whole else 1e-9)).sum())
        if wrong > 0:
            report["differing"][name] = wrong
        report["worst"] = max(report["worst"], float(off.max()))
    report["names"] = names
    return report


request = json.load(sys.stdin)
if "seed" in request:
    write_file(request["csv"], request["seed"], request["count"])
    print("{}")
else:
    print(json.dumps(compare(request["csv"], request["parquet"])))
