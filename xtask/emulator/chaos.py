"""What AWS does to functions on a bad day, done on purpose and on demand.

LINKCAST_CHAOS_FILE names a JSON file of chances from 0 to 1; it is looked at again whenever it changes, and without it
nothing happens. `kill`: the function's process is killed in the middle of a call. `repeat`: a batch that succeeded is
delivered again. `reorder`: a batch arrives with its partition keys shuffled, each key's own records in order. `throttle`
and `fail`: a request to a table is refused before anything was done. `lose`: it is done and the answer is lost, which is
the cruellest: the caller will do it again.
"""

import json
import logging
import os
import random
import threading

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json
from ministack.services import dynamodb, lambda_svc

logger = logging.getLogger("linkcast.chaos")

DATA_REQUESTS = {
    "PutItem", "UpdateItem", "DeleteItem", "GetItem", "BatchGetItem", "BatchWriteItem", "TransactWriteItems", "Query",
}


class Chances:
    """The chances in force, with a generator of their own so that a seed gives the same bad day."""

    def __init__(self, path):
        self.path = path
        self.changed = None
        self.values = {}
        self.random = random.Random(0)
        self.lock = threading.Lock()
        self.counts = {}

    def happens(self, what):
        with self.lock:
            self.look()
            chance = self.values.get(what, 0)
            if chance <= 0 or self.random.random() >= chance:
                return False
            self.counts[what] = self.counts.get(what, 0) + 1
            self.tell()
            return True

    def pick(self, low, high):
        with self.lock:
            return self.random.uniform(low, high)

    def look(self):
        if not self.path:
            return
        try:
            changed = os.stat(self.path).st_mtime_ns
        except FileNotFoundError:
            self.values = {}
            return
        if changed != self.changed:
            with open(self.path, encoding="utf-8") as file:
                self.values = json.load(file)
            self.changed = changed
            self.random.seed(self.values.get("seed", 0))

    def tell(self):
        """Leaves beside the file how often each thing happened, so that a test can see that it did."""
        staged = f"{self.path}.counts.staged"
        with open(staged, "w", encoding="utf-8") as file:
            json.dump(self.counts, file)
        os.replace(staged, f"{self.path}.counts")


CHANCES = Chances(os.environ.get("LINKCAST_CHAOS_FILE"))


def reorder(records):
    """The records with their partition keys shuffled, if it so happens."""
    if len(records) < 2 or not CHANCES.happens("reorder"):
        return records
    by_key = {}
    for record in records:
        by_key.setdefault(str(record["dynamodb"]["Keys"].get("pk")), []).append(record)
    queues = list(by_key.values())
    shuffled = []
    while queues:
        place = int(CHANCES.pick(0, len(queues) - 1e-9))
        shuffled.append(queues[place].pop(0))
        if not queues[place]:
            queues.pop(place)
    return shuffled


def invoke(function, event):
    """Invokes a function, whose process may be killed meanwhile and who may be asked the same again."""
    ended = threading.Event()
    if CHANCES.happens("kill"):
        threading.Thread(target=kill_one, args=(function, CHANCES.pick(0.001, 0.05), ended), daemon=True).start()
    result = lambda_svc._execute_function(function, event)
    ended.set()
    if not result.get("error") and CHANCES.happens("repeat"):
        lambda_svc._execute_function(function, event)
    return result


def kill_one(function, delay, ended):
    # A call that was throttled has no process: without this it would take another call's.
    if ended.wait(delay):
        return
    name = (function.get("config") or function).get("FunctionName")
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
    for worker in workers:
        process = getattr(worker, "_proc", None)
        if worker.func_name == name and worker.in_use and process is not None:
            logger.warning("killing %s, process %d", name, process.pid)
            process.kill()
            return


def install():
    """Puts itself before the table."""
    handle = dynamodb.handle_request

    async def handle_or_fail(method, path, headers, body, query_params):
        operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        if operation not in DATA_REQUESTS:
            return await handle(method, path, headers, body, query_params)
        if CHANCES.happens("throttle"):
            return error_response_json("ProvisionedThroughputExceededException", "Throughput exceeds the current capacity", 400)
        if CHANCES.happens("fail"):
            return error_response_json("InternalServerError", "The server encountered an internal error", 500)
        answer = await handle(method, path, headers, body, query_params)
        if CHANCES.happens("lose"):
            return error_response_json("InternalServerError", "The answer was lost", 500)
        return answer

    dynamodb.handle_request = handle_or_fail
