"""Serves a Linkcast model in SageMaker's stock images: the requests and the answers of `linkcast serve`.

SageMaker's toolkit calls model_fn once and input_fn, predict_fn and output_fn for each request. Every number of the model comes
from its own files: the forests from ONNX, the calibration and the scale of risks from card.json. What is refused there with a
status and a place is refused here with the same ones.
"""
import hashlib
import json
import math
import os
import re

import numpy
import onnxruntime

try:
    from sagemaker_inference.errors import BaseInferenceToolkitError
except ImportError:  # Outside of SageMaker's images, as where a script is tried by hand.
    class BaseInferenceToolkitError(Exception):
        def __init__(self, status_code, message, phrase):
            super().__init__(status_code, message, phrase)
            self.status_code, self.message, self.phrase = status_code, message, phrase

JSON, JSON_LINES, CSV = "json", "json lines", "csv"
MEDIA = {"application/json": JSON, "application/jsonlines": JSON_LINES, "application/x-ndjson": JSON_LINES, "text/csv": CSV}
PHRASES = {400: "Bad Request", 406: "Not Acceptable", 413: "Payload Too Large", 415: "Unsupported Media Type"}
MOST_ROWS = 10_000
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
ASCII_SPACE = " \t\n\x0c\r"
# A schema's features never change, so there is one list for every model of it; model_fn refuses a card with another.
SCHEMA = 1
FEATURES = []


class Refused(BaseInferenceToolkitError):
    """What was sent cannot be answered: a status, and what is wrong where, as one line of JSON."""

    def __init__(self, status, error, **place):
        told = {"error": error, **{name: value for name, value in place.items() if value is not None}}
        super().__init__(status, json.dumps(told, ensure_ascii=False), PHRASES[status])


class Model:
    """The forests and the card."""

    def __init__(self, folder):
        with open(os.path.join(folder, "card.json"), encoding="utf-8") as file:
            self.card = json.load(file)
        if self.card["feature_schema"] != SCHEMA:
            raise ValueError("card.json: feature schema %r, expected %d" % (self.card["feature_schema"], SCHEMA))
        with open(os.path.join(folder, "code", "package.json"), encoding="utf-8") as file:
            package = json.load(file)
        self.classifier = session(folder, "classifier.onnx", self.card["digests"]["classifier_onnx"])
        self.regressor = session(folder, os.path.join("code", "risk.onnx"), package["risk_onnx"])

    def margins(self, features):
        """The sums of the trees' leaves: by class, and the regressor's."""
        if not len(features):
            return numpy.zeros((0, len(self.card["classes"])), numpy.float32), numpy.zeros(0, numpy.float32)
        asked = {"features": features}
        return self.classifier.run(["scores"], asked)[0], self.regressor.run(["score"], asked)[0][:, 0]


def session(folder, name, digest):
    with open(os.path.join(folder, name), "rb") as file:
        onnx = file.read()
    found = hashlib.sha256(onnx).hexdigest()
    if found != digest:
        raise ValueError("%s has sha256 %s, expected %s" % (name, found, digest))
    options = onnxruntime.SessionOptions()
    # One thread adds the leaves up in the trees' order, as Linkcast does: the sums are the same to the bit.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def model_fn(model_dir):
    model = Model(model_dir)
    FEATURES[:] = model.card["features"]
    return model


def input_fn(body, content_type):
    form, _ = sent(content_type)
    rows = {JSON: rows_of_json, JSON_LINES: rows_of_json_lines, CSV: rows_of_csv}[form](body)
    if form != JSON and not rows:
        raise Refused(400, "no row, expected one a line")
    with numpy.errstate(over="ignore"):  # What is too large for the trees is infinite to them.
        return numpy.array(rows, dtype=numpy.float64).reshape(len(rows), len(FEATURES)).astype(numpy.float32)


def predict_fn(features, model):
    margins, outputs = model.margins(features)
    calibration = model.card["calibration"]
    heated = margins.astype(numpy.float64) / calibration["temperature"]
    weights = numpy.exp(heated - heated.max(axis=1, initial=-numpy.inf, keepdims=True))
    raw = weights / weights.sum(axis=1, keepdims=True)
    mapped = raw.copy()
    for place, knots in enumerate(calibration["classes"]):
        mapped[:, place] = along(knots, raw[:, place])
    sums = mapped.sum(axis=1, keepdims=True)
    probabilities = numpy.where(sums > 0.0, mapped / numpy.where(sums > 0.0, sums, 1.0), raw)
    risks = numpy.clip(along(model.card["risk"], outputs.astype(numpy.float64) / 100.0) * 100.0, 0.0, 100.0)
    return {"card": model.card, "predictions": [prediction(model.card, *row) for row in zip(probabilities, risks)]}


def output_fn(answered, accept):
    name = wanted(accept)
    predictions, card = answered["predictions"], answered["card"]
    if MEDIA[name] == JSON:
        said = {"model_version": card["model_version"], "feature_schema": card["feature_schema"],
                "classes": card["classes"], "predictions": predictions}
        return compact(said) + "\n", name
    if MEDIA[name] == JSON_LINES:
        return "".join(compact(one) + "\n" for one in predictions), name
    return "".join(",".join(map(repr, one["probabilities"] + [one["risk"]])) + "\n" for one in predictions), name


def prediction(card, probabilities, risk):
    best = int(probabilities.argmax())
    return {"class": card["classes"][best], "confidence": float(probabilities[best]), "risk": float(risk),
            "probabilities": probabilities.tolist()}


def along(knots, values):
    """A monotone map: straight between its knots, level beyond the first and the last; no knots leave all as it is."""
    if not knots:
        return values
    froms, tos = numpy.array(knots, dtype=numpy.float64).T
    after = numpy.searchsorted(froms, values, side="right")
    left, right = numpy.maximum(after - 1, 0), numpy.minimum(after, len(froms) - 1)
    width = froms[right] - froms[left]
    inside = width > 0.0
    part = (values - froms[left]) / numpy.where(inside, width, 1.0)
    return numpy.where(inside, tos[left] + (tos[right] - tos[left]) * part, tos[left])


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def sent(content_type):
    """The form of a body, and its name; the content type may name the schema."""
    name, *parameters = [part.strip() for part in (content_type or "").split(";")]
    name = name.lower()
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.lower() != "feature_schema":
            continue
        value = value.strip('"')
        if not re.fullmatch(r"\+?[0-9]+", value):
            name = ""
        elif int(value) != SCHEMA:
            raise Refused(400, "feature schema %s, expected %d" % (value, SCHEMA), expected=str(SCHEMA))
    if name not in MEDIA:
        raise Refused(415, "content type %r, expected one of %s" % (content_type, ", ".join(MEDIA)), expected=", ".join(MEDIA))
    return MEDIA[name], name


def wanted(accept):
    """The name of the form that an Accept header wants most."""
    best, most = None, 0.0
    for part in (accept or "*/*").split(","):
        name, *parameters = [piece.strip() for piece in part.split(";")]
        quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        quality = float(quality) if NUMBER.fullmatch(quality) else 0.0
        family = name.lower()[:-1] if name.endswith("*") else None
        fits = [known for known in MEDIA
                if known == name.lower() or family == "*/" or (family is not None and known.startswith(family))]
        if fits and quality > most:
            best, most = fits[0], quality
    if best is None:
        expected = ", ".join(MEDIA)
        raise Refused(406, "nothing of %r is given: accept one of %s" % (accept, expected), expected=expected)
    return best


def text_of(body, **place):
    """The toolkit decodes some content types itself and hands on the bytes of others."""
    if isinstance(body, str):
        return body
    try:
        return bytes(body).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "not a text", **place) from None


def rows_of_json(body):
    asked = parsed(text_of(body), None)
    if not isinstance(asked, dict) or "instances" not in asked:
        raise Refused(400, 'request: expected an object with "instances"', expected='{"instances": [row, …]}')
    for name, value in asked.items():
        if name == "feature_schema":
            check_schema(value, None)
        elif name != "instances":
            raise Refused(400, "request: unknown field %r" % name, expected='{"instances": [row, …]}')
    if not isinstance(asked["instances"], list):
        raise Refused(400, "request: expected a list of rows", expected='{"instances": [row, …]}')
    if len(asked["instances"]) > MOST_ROWS:
        raise too_many()
    return [row_of(value, place) for place, value in enumerate(asked["instances"], 1)]


def rows_of_json_lines(body):
    rows = []
    lines = body.split("\n") if isinstance(body, str) else bytes(body).split(b"\n")
    for place, line in enumerate(lines, 1):
        line = text_of(line, row=place).strip(ASCII_SPACE)
        if not line:
            continue
        if len(rows) == MOST_ROWS:
            raise too_many()
        rows.append(row_of(parsed(line, place), place))
    return rows


def rows_of_csv(body):
    text = text_of(body, expected="lines of %d numbers in UTF-8" % len(FEATURES))
    lines = [(place, line) for place, line in enumerate(text.split("\n"), 1) if line.strip()]
    if len(lines) > MOST_ROWS:
        raise too_many()
    return [cells_of(line, place) for place, line in lines]


def cells_of(line, place):
    cells = line.split(",")
    if len(cells) != len(FEATURES):
        error = "line %d has %d cells, expected %d" % (place, len(cells), len(FEATURES))
        raise Refused(400, error, row=place, line=place, expected="%d cells" % len(FEATURES))
    values = []
    for column, cell in enumerate(cells, 1):
        cell = cell.strip()
        value = float(cell) if NUMBER.fullmatch(cell) else math.nan
        if cell and not math.isfinite(value):
            error = "line %d, column %d: found %r, expected a number" % (place, column, cell[:64])
            raise Refused(400, error, row=place, line=place, column=column, field=FEATURES[column - 1],
                          expected="a number or an empty cell")
        values.append(value)
    return values


def too_many():
    return Refused(413, "more than %d rows, send them in several requests" % MOST_ROWS, expected="at most %d rows" % MOST_ROWS)


def parsed(text, row):
    """JSON as its standard has it: Python takes NaN, Infinity and a name twice. A constant becomes a text, which is no number
    wherever it stands."""
    def once(pairs):
        if sum(name == "instances" for name, _ in pairs) > 1:
            raise ValueError("instances is there twice")
        return dict(pairs)

    try:
        return json.loads(text, parse_constant=str, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
        raise Refused(400, "%s: %s" % ("request" if row is None else "row %d" % row, error), row=row, line=line,
                      column=column) from None


def row_of(value, place):
    row = [math.nan] * len(FEATURES)
    fill(row, value, place)
    return row


def fill(row, value, place):
    """Fills a row from a list in the schema's order, an object with such a list, or features by name."""
    if isinstance(value, list):
        for column, (feature, cell) in enumerate(zip(FEATURES, value)):
            row[column] = number(cell, place, feature)
        if len(value) != len(FEATURES):
            feature = FEATURES[len(value)] if len(value) < len(FEATURES) else None
            raise bad_row("invalid length %d" % len(value), place, feature)
    elif isinstance(value, dict):
        for name, cell in value.items():
            if name in FEATURES:
                row[FEATURES.index(name)] = number(cell, place, name)
            elif name == "features":
                fill(row, cell, place)
            elif name == "feature_schema":
                check_schema(cell, place)
            elif name != "stream":
                raise bad_row("%r is not a feature of schema %d" % (name[:64], SCHEMA), place, None)
    else:
        raise bad_row("neither a list nor an object", place, None)


def number(cell, place, feature):
    if cell is None:
        return math.nan
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        try:
            value = float(cell)
        except OverflowError:
            value = math.inf
        if math.isfinite(value):
            return value
    raise bad_row("found %s, expected a number or null" % compact(cell)[:64], place, feature)


def bad_row(error, place, feature):
    where = "row %d" % place if feature is None else "row %d, %s" % (place, feature)
    expected = "a list of %d numbers or nulls, or features by name" % len(FEATURES) if feature is None else "a number or null"
    return Refused(400, "%s: %s" % (where, error), row=place, field=feature, expected=expected)


def check_schema(found, row):
    where = "request" if row is None else "row %d" % row
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 1 << 32:
        raise Refused(400, "%s: feature schema %s, expected a whole number" % (where, compact(found)[:64]), row=row)
    if found != SCHEMA:
        raise Refused(400, "%s: feature schema %s, expected %d" % (where, compact(found)[:64], SCHEMA), row=row,
                      field="feature_schema", expected=str(SCHEMA))
