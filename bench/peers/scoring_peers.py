"""The shipped forests as XGBoost's own models, and where the C libraries of the peers lie.

The trees of an ONNX file are written down in XGBoost's model format, split for split and leaf for leaf, so that all
contestants walk the same forest. Prints one path or version a line.

usage: scoring_peers.py MODEL_FOLDER OUT_FOLDER
"""
import glob
import json
import os
import sys

import onnx
import onnxruntime
import xgboost

FEATURES = 40


def attributes(path):
    graph = onnx.load(path).graph
    trees = next(node for node in graph.node if node.op_type == "TreeEnsembleClassifier")
    return {field.name: onnx.helper.get_attribute_value(field) for field in trees.attribute}


def tree(rows, tree_id):
    """One tree in XGBoost's columns; its children and leaves keep the ONNX node numbers."""
    rows = sorted(rows, key=lambda row: row["node"])
    count = len(rows)
    parents = [2147483647] * count
    for row in rows:
        if not row["leaf"]:
            parents[row["left"]] = parents[row["right"]] = row["node"]
    return {
        "base_weights": [0.0] * count,
        "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
        "default_left": [int(not row["leaf"] and row["missing_left"]) for row in rows],
        "id": tree_id,
        "left_children": [-1 if row["leaf"] else row["left"] for row in rows],
        "right_children": [-1 if row["leaf"] else row["right"] for row in rows],
        "loss_changes": [0.0] * count,
        "parents": parents,
        "split_conditions": [row["weight"] if row["leaf"] else row["threshold"] for row in rows],
        "split_indices": [row["feature"] for row in rows],
        "split_type": [0] * count,
        "sum_hessian": [1.0] * count,
        "tree_param": {"num_deleted": "0", "num_feature": str(FEATURES), "num_nodes": str(count),
                       "size_leaf_vector": "1"},
    }


def read_forest(path):
    field = attributes(path)
    leaves = {(t, n): (c, w) for t, n, c, w in zip(
        field["class_treeids"], field["class_nodeids"], field["class_ids"], field["class_weights"])}
    trees, classes = {}, {}
    columns = zip(field["nodes_treeids"], field["nodes_nodeids"], field["nodes_modes"], field["nodes_featureids"],
                  field["nodes_values"], field["nodes_truenodeids"], field["nodes_falsenodeids"],
                  field["nodes_missing_value_tracks_true"])
    for number, node, mode, feature, value, left, right, missing in columns:
        leaf = mode == b"LEAF"
        row = {"node": node, "leaf": leaf, "feature": feature, "threshold": value, "left": left, "right": right,
               "missing_left": bool(missing)}
        if leaf:
            classes[number], row["weight"] = leaves[number, node]
        elif mode != b"BRANCH_LT":
            sys.exit(f"{path}: expected BRANCH_LT nodes, found {mode}")
        trees.setdefault(number, []).append(row)
    return trees, classes


def xgboost_model(path, is_classifier):
    trees, classes = read_forest(path)
    class_count = 11 if is_classifier else 0
    order = sorted(trees)
    model = {
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(len(order))},
        "iteration_indptr": list(range(0, len(order) + 1, class_count or 1)),
        "tree_info": [classes[number] if is_classifier else 0 for number in order],
        "trees": [tree(trees[number], place) for place, number in enumerate(order)],
    }
    objective = ({"name": "multi:softprob", "softmax_multiclass_param": {"num_class": "11"}} if is_classifier
                 else {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}})
    return {
        "learner": {
            "attributes": {}, "feature_names": [], "feature_types": [],
            "gradient_booster": {"model": model, "name": "gbtree"},
            "learner_model_param": {"base_score": "0", "boost_from_average": "0", "num_class": str(class_count),
                                    "num_feature": str(FEATURES), "num_target": "1"},
            "objective": objective,
        },
        "version": [3, 0, 0],
    }


def without_base(folder, out):
    """The regressor for ONNX Runtime, which answers a two-class forest that has base values with these alone."""
    model = onnx.load(os.path.join(folder, "regressor.onnx"))
    for node in model.graph.node:
        kept = [field for field in node.attribute if field.name != "base_values"]
        del node.attribute[:]
        node.attribute.extend(kept)
    path = os.path.join(out, "regressor.onnx")
    onnx.save(model, path)
    return path


def main():
    folder, out = sys.argv[1:]
    paths = []
    for name, is_classifier in (("classifier", True), ("regressor", False)):
        written = os.path.join(out, name + ".json")
        with open(written, "w") as file:
            json.dump(xgboost_model(os.path.join(folder, name + ".onnx"), is_classifier), file)
        # XGBoost's binary form is what it loads fastest.
        booster = xgboost.Booster(model_file=written)
        binary = os.path.join(out, name + ".ubj")
        booster.save_model(binary)
        paths.append(binary)
    runtime = glob.glob(os.path.join(os.path.dirname(onnxruntime.__file__), "capi", "libonnxruntime.so.*"))[0]
    library = os.path.join(os.path.dirname(xgboost.__file__), "lib", "libxgboost.so")
    for line in (runtime, library, xgboost.__version__, *paths, without_base(folder, out)):
        print(line)


if __name__ == "__main__":
    main()
