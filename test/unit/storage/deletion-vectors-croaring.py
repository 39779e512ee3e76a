"""Sets of 64-bit integers through CRoaring: JSON in and out, see deletion-vectors.croaring.test.ts."""
import json
import sys

from pyroaring import BitMap64

answers = []
for request in json.load(sys.stdin):
    theirs = BitMap64(request["rows"])
    theirs.run_optimize()
    ours = BitMap64.deserialize(bytes.fromhex(request["bitmap"]))
    answers.append({"equal": ours == theirs, "bitmap": theirs.serialize().hex()})
json.dump(answers, sys.stdout)
