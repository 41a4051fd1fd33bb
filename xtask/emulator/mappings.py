"""Event source mappings of DynamoDB streams, as AWS documents them.

- Records of one item (partition AND sort key) stay in order. With ParallelizationFactor 1, the default, so do all records
  of a shard; above 1 two items of one partition key may be worked on at the same time. (Lambda developer guide,
  "Using AWS Lambda with Amazon DynamoDB": "in-order processing at the item (partition and sort key) level".)
- A function error, or an answer that names no sequence number, fails the whole batch. With ReportBatchItemFailures the
  lowest named sequence number is where the batch begins again.
- BisectBatchOnFunctionError halves a failed batch, or cuts it where the answer said. Splitting takes nothing from the
  retry quota. When the first record is the one named there is nothing to cut off, so the batch is halved: here AWS's
  text is silent.
- A batch that was never begun because the function was throttled is tried again and takes nothing from the quota.
- Records older than MaximumRecordAgeInSeconds, and batches whose retries are used up, go to the OnFailure destination in
  AWS's own shape: where they are in the stream, not what they hold.
"""

import collections
import logging
import os
import threading
import time
import uuid

import chaos
import destinations
from ministack.core.concurrency import esm_wake, spawn_background
from ministack.core.responses import _request_account_id, _request_region
from ministack.services import dynamodb, lambda_svc

logger = logging.getLogger("linkcast.mappings")

SHARD = "shardId-00000001700000000000-00000000"
# Records read ahead of the function for each mapping; what is not read yet waits in the stream.
READ_AHEAD = 20_000
RETRY_BASE_SECONDS = float(os.environ.get("LINKCAST_STREAM_RETRY_BASE_SECONDS", "0.2"))
RETRY_LONGEST_SECONDS = 10.0


class Portion:
    """Neighbouring records that are delivered together, with how often that was tried."""

    def __init__(self, records, invocations=0, retries=0):
        self.records = records
        self.invocations = invocations
        self.retries = retries

    def span(self):
        first, last = self.records[0]["dynamodb"], self.records[-1]["dynamodb"]
        return first["SequenceNumber"], last["SequenceNumber"]


class Lane:
    """One of a shard's concurrent batches; its records are delivered strictly one batch after the other."""

    def __init__(self):
        self.waiting = collections.deque()
        self.since = None
        self.is_running = False


class Mapping:
    """One event source mapping at work."""

    def __init__(self, settings, scope):
        self.settings = settings
        self.scope = scope
        self.lock = threading.Lock()
        self.lanes = [Lane() for _ in range(int(settings.get("ParallelizationFactor") or 1))]
        self.is_stopped = False

    # Reading

    def room(self):
        with self.lock:
            return READ_AHEAD - sum(len(lane.waiting) for lane in self.lanes)

    def accept(self, records):
        """Files records by item, leaving out those that the filters do."""
        for record in lambda_svc._apply_filter_criteria(records, self.settings):
            keys = record["dynamodb"]["Keys"]
            lane = self.lanes[hash(str(sorted(keys.items()))) % len(self.lanes)]
            with self.lock:
                if not lane.waiting:
                    lane.since = time.time()
                lane.waiting.append(record)

    def start_lanes(self):
        """Starts every lane that has a batch ready; gives how long until the next one is, if one waits for company."""
        soonest = None
        for lane in self.lanes:
            with self.lock:
                if lane.is_running or not lane.waiting:
                    continue
                wait = self.wait_for_company(lane)
                if wait > 0:
                    soonest = wait if soonest is None else min(soonest, wait)
                    continue
                lane.is_running = True
            spawn_background(self.run, lane, thread_name="linkcast-lane")
        return soonest

    def wait_for_company(self, lane):
        window = float(self.settings.get("MaximumBatchingWindowInSeconds") or 0)
        if len(lane.waiting) >= self.batch_size():
            return 0
        return max(0, lane.since + window - time.time())

    def batch_size(self):
        return int(self.settings.get("BatchSize") or 100)

    # Delivering

    def run(self, lane):
        account = _request_account_id.set(self.scope[0])
        region = _request_region.set(self.scope[1])
        try:
            while not self.is_stopped:
                with self.lock:
                    if not lane.waiting or self.wait_for_company(lane) > 0:
                        return
                    count = min(self.batch_size(), len(lane.waiting))
                    records = [lane.waiting.popleft() for _ in range(count)]
                    lane.since = time.time()
                self.deliver(Portion(chaos.reorder(records)))
        finally:
            _request_account_id.reset(account)
            _request_region.reset(region)
            with self.lock:
                lane.is_running = False
            esm_wake.set()

    def deliver(self, whole):
        """Delivers a batch, in parts if it must be, until each record has succeeded or been given up."""
        open_parts = [whole]
        while open_parts and not self.is_stopped:
            part = self.without_expired(open_parts.pop())
            if part is None:
                continue
            function, _ = lambda_svc._get_func_record_for_qualifier(
                self.settings["FunctionName"], self.settings.get("Qualifier")
            )
            if function is None:
                self.pause(part)
                open_parts.append(part)
                continue
            result = chaos.invoke(function, {"Records": part.records})
            if result.get("throttle"):
                self.pause(part)
                open_parts.append(part)
                continue
            part.invocations += 1
            open_parts.extend(reversed(self.left_over(part, result, function)))

    def left_over(self, part, result, function):
        """What of a part must be delivered again, in order."""
        failed = 0 if result.get("error") else self.first_failure(part, result.get("body"))
        if failed is None:
            self.settings["LastProcessingResult"] = f"OK - {len(part.records)} records"
            return []
        self.settings["LastProcessingResult"] = "PROBLEM: Function call failed"
        self.note(part, result, failed)
        bisects = bool(self.settings.get("BisectBatchOnFunctionError"))
        rest = part.records[failed:]
        if failed > 0 and bisects:
            return [Portion(rest)]
        if bisects and len(rest) > 1:
            middle = len(rest) // 2
            return [Portion(rest[:middle]), Portion(rest[middle:])]
        limit = int(self.settings.get("MaximumRetryAttempts", -1))
        again = Portion(rest, part.invocations, part.retries + 1)
        if 0 <= limit < again.retries:
            self.give_up(Portion(rest, part.invocations), function, "RetryAttemptsExhausted", result)
            return []
        self.pause(again)
        return [again]

    def first_failure(self, part, body):
        """Where the answer says the batch failed first; None if it did not."""
        if "ReportBatchItemFailures" not in (self.settings.get("FunctionResponseTypes") or []):
            return None
        if body is None:
            return None
        failures = body.get("batchItemFailures") if isinstance(body, dict) else "no object"
        if failures is None or failures == []:
            return None
        places = {record["dynamodb"]["SequenceNumber"]: place for place, record in enumerate(part.records)}
        named = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
        if any(name not in places for name in named):
            return 0
        return min(places[name] for name in named)

    def without_expired(self, part):
        """The part less its records that are too old, which go to the destination; None if none is left."""
        limit = int(self.settings.get("MaximumRecordAgeInSeconds") or -1)
        if limit <= 0:
            return part
        oldest = time.time() - limit
        expired = [r for r in part.records if float(r["dynamodb"]["ApproximateCreationDateTime"]) < oldest]
        if not expired:
            return part
        function, _ = lambda_svc._get_func_record_for_qualifier(
            self.settings["FunctionName"], self.settings.get("Qualifier")
        )
        self.give_up(Portion(expired, part.invocations), function or {}, "RecordAgeExceeded", {})
        kept = [record for record in part.records if record not in expired]
        return Portion(kept, part.invocations, part.retries) if kept else None

    def give_up(self, part, function, condition, result):
        logger.warning("%s gives up %s: %s", self.settings["FunctionName"], part.span(), condition)
        answer = {"statusCode": 200, "executedVersion": "$LATEST"}
        if result.get("error"):
            answer["functionError"] = "Unhandled"
        first, last = part.records[0]["dynamodb"], part.records[-1]["dynamodb"]
        body = {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": (function.get("config") or {}).get("FunctionArn", ""),
                "condition": condition,
                "approximateInvokeCount": part.invocations,
            },
            "responseContext": answer,
            "version": "1.0",
            "timestamp": instant(time.time(), milliseconds=True),
            "DDBStreamBatchInfo": {
                "shardId": SHARD,
                "startSequenceNumber": first["SequenceNumber"],
                "endSequenceNumber": last["SequenceNumber"],
                "approximateArrivalOfFirstRecord": instant(first["ApproximateCreationDateTime"]),
                "approximateArrivalOfLastRecord": instant(last["ApproximateCreationDateTime"]),
                "batchSize": len(part.records),
                "streamArn": self.settings["EventSourceArn"],
            },
        }
        on_failure = (self.settings.get("DestinationConfig") or {}).get("OnFailure") or {}
        destinations.send(on_failure.get("Destination"), body)

    def pause(self, part):
        exponent = min(part.retries, 10)
        time.sleep(min(RETRY_LONGEST_SECONDS, RETRY_BASE_SECONDS * 2**exponent))

    def note(self, part, result, failed):
        body = result.get("body")
        cause = body.get("errorMessage") if isinstance(body, dict) else None
        logger.warning(
            "%s failed at record %d of %d (%s): %s",
            self.settings["FunctionName"],
            failed,
            len(part.records),
            part.span()[0],
            cause or "named in its answer",
        )


def instant(seconds, milliseconds=False):
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(float(seconds)))
    return f"{whole}.{int(float(seconds) % 1 * 1000):03d}Z" if milliseconds else f"{whole}Z"


# The mappings at work, by id.
AT_WORK = {}


def poll():
    """Reads every stream on from where its mapping stands; true if anything was read."""
    has_read = False
    for account, region, settings in lambda_svc._iter_all_esms():
        tokens = _request_account_id.set(account), _request_region.set(region)
        try:
            has_read = poll_one(settings, (account, region)) or has_read
        finally:
            _request_account_id.reset(tokens[0])
            _request_region.reset(tokens[1])
    return has_read


def poll_one(settings, scope):
    source = settings.get("EventSourceArn", "")
    if ":dynamodb:" not in source or not is_enabled(settings):
        return False
    table_name = source.split("/stream/")[0].split("/")[-1]
    table = dynamodb._tables.get(table_name)
    if not table or table.get("LatestStreamArn") != source:
        return False
    mapping = AT_WORK.setdefault(settings["UUID"], Mapping(settings, scope))
    lambda_svc._init_stream_position(settings["UUID"], source, settings.get("StartingPosition", "LATEST"))
    with lambda_svc._dynamodb_stream_positions_lock:
        start = max(
            lambda_svc._dynamodb_stream_positions[settings["UUID"]], dynamodb.stream_start_position(table_name)
        )
        records = dynamodb.stream_records_since(table_name, start, max(0, mapping.room()))
        lambda_svc._dynamodb_stream_positions[settings["UUID"]] = start + len(records)
    mapping.accept(records)
    soonest = mapping.start_lanes()
    if soonest is not None:
        timer = threading.Timer(soonest, esm_wake.set)
        timer.daemon = True
        timer.start()
    return bool(records)


def is_enabled(settings):
    return str(settings.get("Enabled", True)).lower() != "false"


def install():
    """Takes the place of ministack's poller of streams; a mapping that is deleted stops delivering."""
    release = lambda_svc._release_esm_poll_state

    def stop_and_release(mapping_id):
        mapping = AT_WORK.pop(mapping_id, None)
        if mapping:
            mapping.is_stopped = True
        release(mapping_id)

    lambda_svc._release_esm_poll_state = stop_and_release
    lambda_svc._poll_dynamodb_streams = poll
