"""Python's XGBoost on the rows and with the settings that ours is given, one thread.

For each seed read: trains on FOLDER/<seed>/train.csv, timed without reading it, writes the log loss on test.csv to
FOLDER/<seed>/loss.txt and prints the seconds of processor time.

usage: training_peers.py FOLDER
"""
import csv
import json
import os
import sys
import time

import numpy
import xgboost


def table(path):
    with open(path, newline="") as file:
        rows = [[float(cell) if cell else float("nan") for cell in row] for row in csv.reader(file)]
    return numpy.array(rows, dtype=numpy.float32)


def log_loss(booster, rows):
    margins = booster.predict(xgboost.DMatrix(rows[:, 2:]), output_margin=True).astype(numpy.float64)
    margins -= margins.max(axis=1, keepdims=True)
    logs = margins - numpy.log(numpy.exp(margins).sum(axis=1, keepdims=True))
    return -logs[numpy.arange(len(rows)), rows[:, 0].astype(int)].mean()


def main():
    folder = sys.argv[1]
    print(f"xgboost {xgboost.__version__}, Python, one thread", flush=True)
    for line in sys.stdin:
        own = os.path.join(folder, line.strip())
        with open(os.path.join(own, "hyperparameters.json")) as file:
            told = json.load(file)
        rounds = int(told.pop("num_round"))
        told.pop("csv_weights")
        told["nthread"] = 1
        rows = table(os.path.join(own, "train.csv"))
        start = time.process_time()
        data = xgboost.DMatrix(rows[:, 2:], label=rows[:, 0], weight=rows[:, 1], nthread=1)
        booster = xgboost.train(told, data, rounds)
        seconds = time.process_time() - start
        with open(os.path.join(own, "loss.txt"), "w") as file:
            file.write(repr(float(log_loss(booster, table(os.path.join(own, "test.csv"))))))
        print(seconds, flush=True)


if __name__ == "__main__":
    main()
