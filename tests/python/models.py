"""Python's own libraries beside Linkcast: XGBoost trains and loads models, ONNX Runtime loads them.

usage: models.py train ROWS OUT            trains on what `linkcast export-rows` wrote, as SageMaker's image would
       models.py judge XGBOOST MODEL FEATURES   predicts with those models, as MODEL/card.json has them calibrated
       models.py compare XGBOOST MODEL FEATURES what `linkcast export-xgboost` wrote of MODEL beside MODEL's ONNX files

XGBOOST holds the classifier and the regressor, FEATURES is what `linkcast features` wrote. Answers are JSON lines.
"""
import csv
import json
import os
import sys
import tarfile

import numpy
import xgboost


def numbers(cells):
    return [float(cell) if cell else float("nan") for cell in cells]


def rows_of(path):
    """Labels, weights and features of a channel, read as the managed image reads them: nothing is an absent value."""
    with open(path, newline="") as file:
        table = numpy.array([numbers(row) for row in csv.reader(file)], dtype=numpy.float32)
    return xgboost.DMatrix(table[:, 2:], label=table[:, 0], weight=table[:, 1])


def train_one(folder, seed):
    with open(os.path.join(folder, "hyperparameters.json")) as file:
        told = json.load(file)
    rounds = int(told.pop("num_round"))
    patience = int(told.pop("early_stopping_rounds"))
    told.pop("csv_weights")
    told.update(nthread=2, seed=seed)
    train, validation = (rows_of(os.path.join(folder, name + ".csv")) for name in ("train", "validation"))
    return xgboost.train(told, train, rounds, evals=[(validation, "validation")], early_stopping_rounds=patience,
                         verbose_eval=False)


def train(rows, out):
    best = {}
    for name in ("classifier", "regressor"):
        booster = train_one(os.path.join(rows, name), 1)
        booster.save_model(os.path.join(out, name + ".json"))
        # The managed image calls its model so, in the form that a name without an ending gets: UBJSON.
        binary = os.path.join(out, name + ".ubj")
        booster.save_model(binary)
        with tarfile.open(os.path.join(out, name + ".tar.gz"), "w:gz") as archive:
            archive.add(binary, arcname="xgboost-model")
        best[name] = booster.best_iteration
    print(json.dumps(best))


def features_of(path):
    with open(path, newline="") as file:
        lines = csv.reader(file)
        names = next(lines)[2:]
        return numpy.array([numbers(row[2:]) for row in lines]).astype(numpy.float32), names


def margins_of(folder, features, names):
    answers = []
    for name in ("classifier", "regressor"):
        paths = [os.path.join(folder, name + ending) for ending in (".json", ".ubj")]
        booster = xgboost.Booster(model_file=next(path for path in paths if os.path.exists(path)))
        best = booster.attr("best_iteration")
        span = (0, int(best) + 1) if best is not None else (0, 0)
        data = xgboost.DMatrix(features, feature_names=names if booster.feature_names else None)
        answers.append(booster.predict(data, output_margin=True, iteration_range=span))
    return answers


def mapped(knots, values):
    if not knots:
        return values
    froms, tos = zip(*knots)
    return numpy.interp(values, froms, tos)


def judge(folder, model, path):
    features, names = features_of(path)
    margins, outputs = margins_of(folder, features, names)
    with open(os.path.join(model, "card.json")) as file:
        card = json.load(file)
    heated = margins.astype(numpy.float64) / card["calibration"]["temperature"]
    weights = numpy.exp(heated - heated.max(axis=1, keepdims=True))
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    for place, knots in enumerate(card["calibration"]["classes"]):
        probabilities[:, place] = mapped(knots, probabilities[:, place])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    risks = mapped(card["risk"], outputs.astype(numpy.float64) / 100.0) * 100.0
    for row, risk in zip(probabilities, risks):
        best = int(row.argmax())
        print(json.dumps({"class": card["classes"][best], "confidence": row[best], "risk": min(max(risk, 0.0), 100.0)}))


def onnx_scores(path, features):
    import onnx
    import onnxruntime

    model = onnx.load(path)
    node = model.graph.node[0]
    base = numpy.zeros(0, dtype=numpy.float32)
    if path.endswith("regressor.onnx"):
        # ONNX Runtime answers a two-class forest that has base values with these alone: they are added here.
        base = numpy.array(next(field.floats for field in node.attribute if field.name == "base_values"),
                           dtype=numpy.float32)
        kept = [field for field in node.attribute if field.name != "base_values"]
        del node.attribute[:]
        node.attribute.extend(kept)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    scores = session.run(["scores"], {"features": features})[0]
    return scores if not base.size else (scores + base)[:, 1]


def compare(folder, model, path):
    features, names = features_of(path)
    margins, outputs = margins_of(folder, features, names)
    scores = onnx_scores(os.path.join(model, "classifier.onnx"), features)
    risks = onnx_scores(os.path.join(model, "regressor.onnx"), features)
    print(json.dumps({"rows": len(features), "classifier": float(numpy.abs(scores - margins).max()),
                      "regressor": float(numpy.abs(risks - outputs).max())}))
    for row, output in zip(margins, outputs):
        print(json.dumps({"margins": [float(margin) for margin in row], "output": float(output)}))


def main():
    work, *paths = sys.argv[1:]
    {"train": train, "judge": judge, "compare": compare}[work](*paths)


if __name__ == "__main__":
    main()
