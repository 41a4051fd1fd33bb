"""Our model on ONNX Runtime, whole: both forests, then the card's calibration and risk scale, so that a peer's answers are ours.

Rows are lists of 40 numbers, None where a feature is absent. One thread, as each row is little work.
"""
import json
import os

import numpy
import onnx
import onnxruntime

RISK_CLASS = 1


class LinkHealth:
    """The model in a folder."""

    def __init__(self, folder):
        with open(os.path.join(folder, "card.json")) as file:
            card = json.load(file)
        self.version = card["model_version"]
        self.temperature = card["calibration"]["temperature"]
        self.maps = [numpy.array(knots).T for knots in card["calibration"]["classes"]]
        self.risk_map = numpy.array(card["risk"] or [[0.0, 0.0], [1.0, 1.0]]).T
        self.classifier = session(onnx.load(os.path.join(folder, "classifier.onnx")))
        regressor, self.risk_base = without_base(onnx.load(os.path.join(folder, "regressor.onnx")))
        self.regressor = session(regressor)

    def judge(self, rows):
        """The probabilities of the 11 classes and the risk of each row."""
        values = numpy.array(rows, dtype=numpy.float32).reshape(-1, 40)
        [margins] = self.classifier.run(["scores"], {"features": values})
        [outputs] = self.regressor.run(["scores"], {"features": values})
        return self.calibrated(margins), self.risks(outputs[:, RISK_CLASS] + self.risk_base)

    def calibrated(self, margins):
        scaled = margins.astype(numpy.float64) / self.temperature
        weights = numpy.exp(scaled - scaled.max(axis=1, keepdims=True))
        raw = weights / weights.sum(axis=1, keepdims=True)
        mapped = raw.copy()
        for column, (place, value) in enumerate(self.maps):
            mapped[:, column] = numpy.interp(raw[:, column], place, value)
        sums = mapped.sum(axis=1, keepdims=True)
        return numpy.where(sums > 0.0, mapped / numpy.where(sums > 0.0, sums, 1.0), raw)

    def risks(self, outputs):
        place, value = self.risk_map
        return numpy.clip(numpy.interp(outputs.astype(numpy.float64) / 100.0, place, value) * 100.0, 0.0, 100.0)

    def answers(self, rows):
        """What `judge` says, one object a row."""
        probabilities, risks = self.judge(rows)
        return [{"probabilities": each, "risk": risk} for each, risk in zip(probabilities.tolist(), risks.tolist())]


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def without_base(model):
    """The regressor and its base value apart: ONNX Runtime answers a two-class forest that has base values with these alone."""
    base = 0.0
    for node in model.graph.node:
        kept = []
        for field in node.attribute:
            if field.name == "base_values":
                base = onnx.helper.get_attribute_value(field)[RISK_CLASS]
            else:
                kept.append(field)
        del node.attribute[:]
        node.attribute.extend(kept)
    return model, base
