"""Evidently's defaults on series that somebody else made.

usage: drift.py SERIES    SERIES holds JSON lines: {"name": ..., "reference": [...], "current": [...]}

For each line the test is the one Evidently itself chooses for such data, with its own threshold, as a report's data drift preset does; a
report would draw every column besides, which takes a second each. Answers one JSON line a line.
"""
import json
import sys
import warnings

import pandas
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType

warnings.filterwarnings("ignore")

with open(sys.argv[1]) as file:
    for line in file:
        told = json.loads(line)
        reference, current = (pandas.Series(told[name]) for name in ("reference", "current"))
        test = get_stattest(reference, current, ColumnType.Numerical, None)
        found = test(reference, current, ColumnType.Numerical, None)
        print(json.dumps({"name": told["name"], "test": test.display_name, "score": float(found.drift_score),
                          "threshold": float(found.actual_threshold), "drifted": bool(found.drifted)}))
