"""Makes the committed model files that the Rust tests read: one small model in both of XGBoost's forms.

usage: fixture.py OUT_FOLDER
"""
import os
import sys

import numpy
import xgboost


def main():
    rng = numpy.random.default_rng(1)
    rows = rng.random((200, 40), dtype=numpy.float32)
    rows[rng.random(rows.shape) < 0.1] = numpy.nan
    data = xgboost.DMatrix(rows, label=rng.integers(0, 11, 200))
    booster = xgboost.train({"objective": "multi:softprob", "num_class": 11, "max_depth": 2, "nthread": 1}, data, 2)
    for form in ("json", "ubj"):
        booster.save_model(os.path.join(sys.argv[1], f"softprob-{xgboost.__version__}.{form}"))


if __name__ == "__main__":
    main()
