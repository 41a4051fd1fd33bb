"""The equivalent function in Python: configuration, two clients and the model, then the first request for an event.

What Lambda's own Python runtime does before a handler's module is imported is left out, in the peer's favour.
"""

import http.client
import os

import boto3
import onnxruntime

table = boto3.client("dynamodb")
bus = boto3.client("events")
model = onnxruntime.InferenceSession(os.environ["MODEL"])

connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
connection.request("GET", "/2018-06-01/runtime/invocation/next")
connection.getresponse()
