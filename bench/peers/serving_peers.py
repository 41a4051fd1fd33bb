"""The peers that serve our ONNX model: FastAPI on uvicorn, and BentoML, each with one worker and without a log of requests.

Prints how each calls itself; with more words it becomes that server, at a port of loopback, with the model of a folder.

usage: serving_peers.py
       serving_peers.py fastapi|bentoml PORT MODEL_FOLDER
"""
import importlib.metadata
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def names():
    version = importlib.metadata.version
    runtime = f"onnxruntime {version('onnxruntime')}"
    print(f"FastAPI {version('fastapi')}, uvicorn {version('uvicorn')}, {runtime}")
    print(f"BentoML {version('bentoml')}, {runtime}")


def arguments(peer, port):
    if peer == "fastapi":
        return ["uvicorn", "fastapi_service:app", "--app-dir", HERE, "--host", "127.0.0.1", "--port", port,
                "--no-access-log", "--log-level", "warning"]
    return ["bentoml", "serve", "bentoml_service:Judge", "--working-dir", HERE, "--host", "127.0.0.1", "--port", port]


def become(peer, port, folder):
    # Its own files stay in the environment it is installed in.
    home = os.path.join(sys.prefix, "bentoml")
    os.makedirs(home, exist_ok=True)
    os.environ.update(
        BENTOML_HOME=home,
        LINK_HEALTH_MODEL=os.path.abspath(folder),
        BENTOML_DO_NOT_TRACK="True",
        OMP_NUM_THREADS="1",
    )
    os.execv(sys.executable, [sys.executable, "-m", *arguments(peer, port)])


if __name__ == "__main__":
    if sys.argv[1:]:
        become(*sys.argv[1:])
    else:
        names()
