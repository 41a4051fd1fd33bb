"""Linkcast's fold against pandas and polars on the same samples, in one run.

Ours computes all forty features; the peers compute the first twenty-four, causally, by rows where the schema goes by
time (cheaper for them), with the whole-history median as the baseline. One thread each. Writes JSON lines.

usage: features_peers.py LINKCAST_BENCH_BINARY [SAMPLES]
"""
import json
import os
import subprocess
import sys
import tempfile
import time

for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pandas as pd
import polars as pl

FIELDS = (
    "latency_p99 utilization error_rate bandwidth_gbps qp_errors symbol_errors link_error_recoveries link_downed "
    "rcv_errors rcv_remote_physical_errors rcv_packets xmit_discards xmit_wait_ratio local_link_integrity_errors "
    "buffer_overruns ack_timeouts rnr_naks out_of_buffer congestion_notifications memory_registration_failures "
    "link_rate_gbps link_capable_gbps interval_s saturated_counters reset gap"
).split()
CADENCE_S = 30
ROUNDS = 5
BASELINES = {"latency_p99": 5.0, "utilization": 60.0, "bandwidth_gbps": 100.0}


def make_samples(count):
    random = np.random.default_rng(7)
    columns = {name: np.floor(random.random(count) * 3) for name in FIELDS}
    day = np.arange(count) * CADENCE_S / 86400
    columns["latency_p99"] = 3 * np.exp(0.3 * random.standard_normal(count))
    columns["utilization"] = np.clip(45 + 30 * np.sin(2 * np.pi * day) + 10 * random.standard_normal(count), 0, 100)
    columns["error_rate"] = random.random(count) * 1e-6
    columns["bandwidth_gbps"] = columns["utilization"] * 0.97
    columns["rcv_packets"] = np.floor(random.random(count) * 1e8)
    columns["xmit_wait_ratio"] = random.random(count)
    columns["link_rate_gbps"] = columns["link_capable_gbps"] = np.full(count, 100.0)
    columns["interval_s"] = np.full(count, float(CADENCE_S))
    for name in ("reset", "gap", "saturated_counters"):
        columns[name] = np.zeros(count)
    millis = 1_700_000_000_000 + np.arange(count) * CADENCE_S * 1000
    return millis, columns


def rows(minutes):
    return minutes * 60 // CADENCE_S


def with_pandas(frame):
    out = frame[["latency_p99", "utilization", "error_rate", "bandwidth_gbps", "qp_errors"]].copy()
    latency, utilization, bandwidth = frame.latency_p99, frame.utilization, frame.bandwidth_gbps
    out["latency_p99_5m_avg"] = latency.rolling(rows(5), min_periods=1).mean()
    out["latency_p99_5m_std"] = latency.rolling(rows(5), min_periods=2).std()
    out["latency_p99_15m_avg"] = latency.rolling(rows(15), min_periods=1).mean()
    out["latency_p99_1h_avg"] = latency.rolling(rows(60), min_periods=1).mean()
    out["utilization_5m_avg"] = utilization.rolling(rows(5), min_periods=1).mean()
    usual = {
        name: frame[name].shift(1).expanding(min_periods=30).median().fillna(first)
        for name, first in BASELINES.items()
    }
    out["latency_p99_delta_abs"] = latency - usual["latency_p99"]
    out["latency_p99_delta_pct"] = out.latency_p99_delta_abs / usual["latency_p99"] * 100
    out["utilization_delta_pct"] = utilization - usual["utilization"]
    out["bandwidth_delta_pct"] = (bandwidth / usual["bandwidth_gbps"] - 1) * 100
    minutes = frame.time.diff().dt.total_seconds() / 60
    out["latency_p99_rate"] = latency.diff() / minutes
    out["latency_p99_accel"] = out.latency_p99_rate.diff() / minutes
    out["utilization_rate"] = utilization.diff() / minutes
    out["hour"] = frame.time.dt.hour
    out["day_of_week"] = frame.time.dt.day_of_week
    out["is_weekend"] = out.day_of_week >= 5
    out["is_business_hours"] = out.hour.between(8, 18)
    out["latency_x_utilization"] = latency * utilization / 100
    out["error_x_bandwidth"] = frame.error_rate * bandwidth
    slowness = 0.3 * out.latency_p99_delta_pct.clip(0, 100)
    out["health_score"] = 100 - (0.4 * utilization + slowness + 300 * frame.error_rate).clip(0, 100)
    return out


def with_polars(frame, baselines):
    latency, utilization, bandwidth = pl.col("latency_p99"), pl.col("utilization"), pl.col("bandwidth_gbps")
    minutes = pl.col("time").diff().dt.total_milliseconds() / 60_000

    def usual(name):
        # Polars has no expanding median; a rolling one over the whole history is the same.
        if not baselines:
            return pl.lit(BASELINES[name])
        median = pl.col(name).shift(1).rolling_median(frame.height, min_samples=30)
        return median.fill_null(BASELINES[name])

    lazy = frame.lazy().select(
        latency, utilization, pl.col("error_rate"), bandwidth, pl.col("qp_errors"),
        latency.rolling_mean(rows(5), min_samples=1).alias("latency_p99_5m_avg"),
        latency.rolling_std(rows(5), min_samples=2).alias("latency_p99_5m_std"),
        latency.rolling_mean(rows(15), min_samples=1).alias("latency_p99_15m_avg"),
        latency.rolling_mean(rows(60), min_samples=1).alias("latency_p99_1h_avg"),
        utilization.rolling_mean(rows(5), min_samples=1).alias("utilization_5m_avg"),
        (latency - usual("latency_p99")).alias("latency_p99_delta_abs"),
        ((latency / usual("latency_p99") - 1) * 100).alias("latency_p99_delta_pct"),
        (utilization - usual("utilization")).alias("utilization_delta_pct"),
        ((bandwidth / usual("bandwidth_gbps") - 1) * 100).alias("bandwidth_delta_pct"),
        (latency.diff() / minutes).alias("latency_p99_rate"),
        ((latency.diff() / minutes).diff() / minutes).alias("latency_p99_accel"),
        (utilization.diff() / minutes).alias("utilization_rate"),
        pl.col("time").dt.hour().alias("hour"),
        (pl.col("time").dt.weekday() - 1).alias("day_of_week"),
        (pl.col("time").dt.weekday() >= 6).alias("is_weekend"),
        pl.col("time").dt.hour().is_between(8, 18).alias("is_business_hours"),
        (latency * utilization / 100).alias("latency_x_utilization"),
        (pl.col("error_rate") * bandwidth).alias("error_x_bandwidth"),
    )
    slowness = 0.3 * pl.col("latency_p99_delta_pct").clip(0, 100)
    health = 100 - (0.4 * pl.col("utilization") + slowness + 300 * pl.col("error_rate")).clip(0, 100)
    return lazy.with_columns(health.alias("health_score")).collect()


def best_rate(count, work):
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return count / best


def ours(binary, millis, columns):
    numbers = np.concatenate([[float(len(millis))], millis.astype("<f8"), *(columns[name] for name in FIELDS)])
    with tempfile.NamedTemporaryFile(suffix=".f64") as file:
        numbers.astype("<f8").tofile(file.name)
        line = subprocess.run([binary, "features", file.name], check=True, capture_output=True, text=True).stdout
    return json.loads(line)


def main():
    binary = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    millis, columns = make_samples(count)
    frame = pd.DataFrame({"time": pd.to_datetime(millis, unit="ms"), **columns})
    polars_frame = pl.from_pandas(frame)
    before = ours(binary, millis, columns)
    peers = {
        f"pandas {pd.__version__}": best_rate(count, lambda: with_pandas(frame)),
        f"polars {pl.__version__}, one thread": best_rate(count, lambda: with_polars(polars_frame, True)),
        f"polars {pl.__version__}, one thread, constant baselines":
            best_rate(count, lambda: with_polars(polars_frame, False)),
    }
    after = ours(binary, millis, columns)
    line = max(before, after, key=lambda line: line["samples_per_s"])
    print(json.dumps(line))
    for who, rate in peers.items():
        print(json.dumps({"bench": "features", "who": who, "features": 24, "samples": count,
                          "samples_per_s": round(rate), "ratio": round(line["samples_per_s"] / rate, 2)}))


if __name__ == "__main__":
    main()
