"""The classifier of a model's folder as a BentoML service, whose answers are calibrated as the model's card says.

usage: LINKCAST_TEST_MODEL=FOLDER python -m bentoml serve bento_service:LinkHealth --working-dir tests/python

`POST /judge` with {"rows": [[40 numbers or nulls], …]} answers a list of eleven probabilities for each row.
"""
import json
import os
from typing import Annotated

import bentoml
import numpy
import onnxruntime
from bentoml.validators import DType


@bentoml.service(workers=1)
class LinkHealth:
    def __init__(self):
        folder = os.environ["LINKCAST_TEST_MODEL"]
        with open(os.path.join(folder, "card.json")) as file:
            self.calibration = json.load(file)["calibration"]
        path = os.path.join(folder, "classifier.onnx")
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    @bentoml.api
    def judge(self, rows: Annotated[numpy.ndarray, DType("float32")]) -> numpy.ndarray:
        [margins] = self.session.run(["scores"], {"features": rows})
        heated = margins.astype(numpy.float64) / self.calibration["temperature"]
        weights = numpy.exp(heated - heated.max(axis=1, keepdims=True))
        probabilities = weights / weights.sum(axis=1, keepdims=True)
        for place, knots in enumerate(self.calibration["classes"]):
            if knots:
                froms, tos = zip(*knots)
                probabilities[:, place] = numpy.interp(probabilities[:, place], froms, tos)
        return probabilities / probabilities.sum(axis=1, keepdims=True)
