"""pandas and polars making the first twenty-four features from the samples Linkcast folds into all forty.

Causally, by rows where the schema goes by time (cheaper for them), with the whole-history median as the baseline. One
thread each.

usage: features_peers.py SAMPLES.f64
"""
import sys

import numpy as np
import pandas as pd
import polars as pl

from worker import serve

FIELDS = (
    "latency_p99 utilization error_rate bandwidth_gbps qp_errors symbol_errors link_error_recoveries link_downed "
    "rcv_errors rcv_remote_physical_errors rcv_packets xmit_discards xmit_wait_ratio local_link_integrity_errors "
    "buffer_overruns ack_timeouts rnr_naks out_of_buffer congestion_notifications memory_registration_failures "
    "link_rate_gbps link_capable_gbps interval_s saturated_counters reset gap"
).split()
CADENCE_S = 30
BASELINES = {"latency_p99": 5.0, "utilization": 60.0, "bandwidth_gbps": 100.0}


def read_samples(path):
    numbers = np.fromfile(path, dtype="<f8")
    columns = numbers[1:].reshape(-1, int(numbers[0]))
    return columns[0].astype("<i8"), dict(zip(FIELDS, columns[1:]))


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


def with_polars(frame, looks_ahead):
    latency, utilization, bandwidth = pl.col("latency_p99"), pl.col("utilization"), pl.col("bandwidth_gbps")
    minutes = pl.col("time").diff().dt.total_milliseconds() / 60_000

    def usual(name):
        if looks_ahead:
            return pl.col(name).median()
        # Polars has no expanding median; a rolling one over the whole history is the same.
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


def main():
    millis, columns = read_samples(sys.argv[1])
    frame = pd.DataFrame({"time": pd.to_datetime(millis, unit="ms"), **columns})
    polars_frame = pl.from_pandas(frame)
    serve(f"pandas {pd.__version__}|polars {pl.__version__}", {
        "pandas": lambda: with_pandas(frame),
        "polars": lambda: with_polars(polars_frame, False),
        "polars-ahead": lambda: with_polars(polars_frame, True),
    })


if __name__ == "__main__":
    main()
