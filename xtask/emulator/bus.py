"""Calls that nobody waits for: a rule's call of a function, and every other asynchronous invocation.

As on AWS two parties can fail, and each has its own retries and its own queue. EventBridge hands the event to Lambda: if
that cannot be done the target's DeadLetterConfig gets the event with the reason in its attributes. From then on Lambda
has it: function errors are retried MaximumRetryAttempts times (2 unless told) and then go to the function's OnFailure
destination or its dead-letter queue; being throttled takes nothing from those attempts.
"""

import contextvars
import json
import logging
import os
import threading
import time

import chaos
import destinations
from ministack.core.responses import _request_account_id, _request_region
from ministack.services import eventbridge, lambda_svc

logger = logging.getLogger("linkcast.bus")

RETRY_BASE_SECONDS = float(os.environ.get("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "1"))
RETRY_LONGEST_SECONDS = 30.0
THROTTLED_SECONDS = 0.2

# The target and rule that an event is being handed to.
TARGET = contextvars.ContextVar("target", default=({}, {}))


def dispatch(arn, payload):
    """Hands an event to Lambda, or to the target's dead-letter queue when there is no such function."""
    target, rule = TARGET.get()
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        logger.warning("no function %s for rule %s", name, rule.get("Name"))
        attributes = {
            "RULE_ARN": rule.get("Arn", ""),
            "TARGET_ARN": arn,
            "ERROR_CODE": "RESOURCE_NOT_FOUND",
            "ERROR_MESSAGE": f"Function not found: {arn}",
        }
        typed = {key: {"DataType": "String", "StringValue": value} for key, value in attributes.items() if value}
        destinations.send((target.get("DeadLetterConfig") or {}).get("Arn"), json.loads(payload), typed)
        return
    invoke_later(lambda_svc._execution_record_for_config(function, config), json.loads(payload))


def invoke_later(function, event):
    """Invokes a function in the background, with Lambda's retries for events."""
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(invoke_with_retries, function, event), daemon=True).start()


def invoke_with_retries(function, event):
    config = function.get("config") or function
    account, region = lambda_svc._account_region_from_function_config(config)
    _request_account_id.set(account)
    _request_region.set(region)
    settings = (
        function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
    )
    limit = settings.get("MaximumRetryAttempts")
    retries_left = 2 if limit is None else int(limit)
    expiry = time.time() + int(settings.get("MaximumEventAgeInSeconds") or 21_600)
    failures = 0
    while True:
        result = chaos.invoke(function, event)
        if not result.get("error"):
            return
        if not result.get("throttle"):
            failures += 1
            logger.warning("%s failed on an event, time %d", config.get("FunctionName"), failures)
        delay = wait_after(failures) if not result.get("throttle") else THROTTLED_SECONDS
        is_used_up = failures > retries_left
        if is_used_up or time.time() + delay > expiry:
            give_up(function, settings, event, result, failures, "RetriesExhausted" if is_used_up else "EventAgeExceeded")
            return
        time.sleep(delay)


def wait_after(failures):
    return min(RETRY_LONGEST_SECONDS, RETRY_BASE_SECONDS * 2 ** (failures - 1))


def give_up(function, settings, event, result, failures, condition):
    """An OnFailure destination gets the event with its story; a plain dead-letter queue the event alone."""
    config = function.get("config") or function
    destination = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    answer = result.get("body")
    if destination:
        body = {
            "version": "1.0",
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "requestContext": {
                "requestId": lambda_svc.new_uuid(),
                "functionArn": config.get("FunctionArn", "") + ":$LATEST",
                "condition": condition,
                "approximateInvokeCount": failures,
            },
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": answer,
        }
        destinations.send(destination, body)
    queue = (config.get("DeadLetterConfig") or {}).get("TargetArn")
    if queue:
        message = answer.get("errorMessage", "") if isinstance(answer, dict) else ""
        attributes = {
            "ErrorCode": {"DataType": "Number", "StringValue": "200"},
            "ErrorMessage": {"DataType": "String", "StringValue": message[:1024] or "unknown"},
        }
        destinations.send(queue, event, attributes)


def install():
    """Takes the place of ministack's dispatch of rules and of its asynchronous invocations."""
    invoke_target = eventbridge._invoke_target

    def invoke_known_target(target, event, rule, view=None):
        token = TARGET.set((target, rule))
        try:
            invoke_target(target, event, rule, view)
        finally:
            TARGET.reset(token)

    eventbridge._invoke_target = invoke_known_target
    eventbridge._dispatch_to_lambda = dispatch
    lambda_svc.invoke_async_with_retry = invoke_later
