"""Starts ministack with the parts of AWS it leaves out and Linkcast leans on.

Stock ministack delivers a DynamoDB stream at most once after a partial failure, never bisects, retries for ever and
fills no dead-letter queue; a rule's call of a function is tried once. A test that passes against that proves nothing.
So this puts our own poller and our own dispatch in the place of ministack's. They call into ministack, hence the digests
below: if any function we replace or call has changed, we refuse to start rather than run on guesses.
"""

import hashlib
import inspect
import os
import sys

import bus
import chaos
import mappings
import record
from ministack import app
from ministack.core import concurrency, lambda_runtime
from ministack.services import dynamodb, eventbridge, lambda_svc, sns, sqs

# What we replace, and what our replacements lean on, with the SHA-256 of its source in ministack 1.5.33.
KNOWN = {
    (lambda_svc, "_poll_dynamodb_streams"): "2b2460e933a9f3c3fb00d9e15763d11977533af74787eb39ce1f39bbe6e54e8b",
    (lambda_svc, "_poll_loop"): "6a443090919adccf3e405dd7e5603cf353d8d1112635dc3e126f3b5cf8fc3866",
    (lambda_svc, "_release_esm_poll_state"): "780cf96ac7f873e2c49442c3498dd7127e25f68d64626a6491e920de6845fd0e",
    (lambda_svc, "_apply_filter_criteria"): "d8d7d5c8f77ea1ac431ccaf2e5ae888968c5e3a62d5ac3ef177043011a679fd3",
    (lambda_svc, "_init_stream_position"): "bef560b23a1a98265f4a642cb8b500d02a4a9f00ffab9901bd8bde7b4db5af97",
    (lambda_svc, "_get_func_record_for_qualifier"): "a86e90478088123dc1675e52d0c9ac692f6c91cbadebd1d7eac46575f627c91c",
    (lambda_svc, "_get_func_record_for_ref"): "492b4efe8f903a0fb18131e79a26799e296cc6e65e07aef56fb94fc597324c3e",
    (lambda_svc, "_execute_function"): "3ceb16d6480a2161601b152da88f1633573e5143f94de16fab84877d447165be",
    (lambda_svc, "_function_config_scope_mismatch"): "440702222ab56d4dddfd126c0fbd3e65f46b2fbcbdb522e78ccdedd6047a889b",
    (lambda_svc, "_reserved_concurrency"): "ebec4b4bba775119805da226a9f344a55259af044938d13af894fe2111220468",
    (lambda_svc, "invoke_async_with_retry"): "289fe4d3cbd4089b4bace68e20212c8a4a74b38dc8e781556a1114df1058b5a1",
    (lambda_svc, "_route_async_failure"): "c023331e333f796dfd7d2681d54fc18c8b7723d0d0048a9999daf68016ae695b",
    (eventbridge, "_invoke_target"): "550e304af08095637ed4de07798e4acc1b1f89316f91ab60d4d865f9f46c58f2",
    (eventbridge, "_dispatch_to_lambda"): "1f95adbaed3a966a5b5761dbf547c1fa47100ea4229bd7461cd2fb599708434d",
    (dynamodb, "handle_request"): "1201f2ac993ce1a07339816d280e7b86da8395988b41f91ce72caade86e12406",
    (dynamodb, "_build_change_record"): "45f604ee477218c38962119da32482c17974d070e1a9887f64273c46570bc4a7",
    (dynamodb, "stream_records_since"): "aed31a353fda9770d3babb2d6091616fd2e60fcee3c78aee7c197e490182f27a",
    (dynamodb, "stream_start_position"): "3b822e76fbb147fa08b60c91c04d91a05d62bf84950a323e73121f9fb7fb76a3",
    (dynamodb, "stream_end_position"): "d0483912696df38d9e0f06251f452197cafd4283e56d2ff1565180905f5897a3",
    (sqs, "_act_send_message"): "3abd766508c885c6556ecfb378ba579d18d3781c7cf28c09784917db23da505f",
    (sqs, "_queue_by_arn"): "b4981875c8186c194675ead2fe848fb6902c7a15e0f31cef586da2d4d665189e",
    (sns, "publish_internal"): "f979fc53e1eb274f2b1d31d814618ae0061a1e7b4fcec906e87a880730c74c7c",
    (concurrency, "spawn_background"): "18878a26acb0941afe2f38082609ba3142e01940dbab065c7817de3675195be9",
    (lambda_runtime, "acquire_worker"): "5017d144adb5b983050914401f482f2ad1332f4564c96903c20ab7e4defad7da",
}


def digest(module, name):
    """The SHA-256 of a function's source, or why there is none."""
    function = getattr(module, name, None)
    if function is None:
        return "missing"
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()


def moved():
    """The functions whose source is not the one this launcher was written against."""
    return [
        f"{module.__name__}.{name}: expected {expected[:12] or 'no digest'}, found {digest(module, name)[:12]}"
        for (module, name), expected in KNOWN.items()
        if digest(module, name) != expected
    ]


def main():
    if "--digests" in sys.argv:
        for module, name in KNOWN:
            print(f"{module.__name__}.{name} {digest(module, name)}")
        return
    faults = moved()
    if faults:
        sys.exit("this ministack is not the one the launcher patches; pin 1.5.33 or review the patches:\n" + "\n".join(faults))
    # Loopback only, unless somebody asks for more: ministack's own default is every interface.
    os.environ.setdefault("BIND_HOST", "127.0.0.1")
    record.install()
    chaos.install()
    mappings.install()
    bus.install()
    # Functions inherit the environment and refuse variables of Linkcast's name that are not theirs.
    for name in [name for name in os.environ if name.startswith("LINKCAST_")]:
        del os.environ[name]
    sys.argv = sys.argv[:1]
    app.main()


if __name__ == "__main__":
    main()
