"""Keeps the events that functions were really given, so that those committed under events/ are made by no hand.

LINKCAST_RECORD_FOLDER names the folder; without it nothing is kept. The first events of each kind are enough.
"""

import json
import os
import threading

from ministack.services import lambda_svc

FOLDER = os.environ.get("LINKCAST_RECORD_FOLDER")
MOST_OF_A_KIND = 20

LOCK = threading.Lock()
COUNTS = {}


def kind(event):
    """What woke the function: the name of the trigger, as the files under events/ are named."""
    if not isinstance(event, dict):
        return "call"
    if event.get("Records"):
        images = [record.get("dynamodb", {}).get("NewImage", {}) for record in event["Records"]]
        return "stream-samples" if any("a" in image for image in images) else "stream-questions"
    if "detail-type" in event:
        return event["detail-type"].lower().replace(" ", "-")
    if "requestContext" in event:
        return "function-url"
    return "-".join(sorted(event)) or "empty"


def keep(function, event):
    name = (function.get("config") or function).get("FunctionName", "function")
    with LOCK:
        key = (name, kind(event))
        COUNTS[key] = COUNTS.get(key, 0) + 1
        if COUNTS[key] > MOST_OF_A_KIND:
            return
        path = os.path.join(FOLDER, f"{name}.{kind(event)}.{COUNTS[key]:02}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(event, file, indent=1)


def install():
    """Looks at each event on its way to the function."""
    if not FOLDER:
        return
    os.makedirs(FOLDER, exist_ok=True)
    execute = lambda_svc._execute_function

    def execute_and_keep(function, event):
        # The emulator enters a second time when it changes to the function's own account and region.
        if not lambda_svc._function_config_scope_mismatch(function.get("config") or function):
            keep(function, event)
        return execute(function, event)

    lambda_svc._execute_function = execute_and_keep
