"""Our ONNX model as a BentoML service: `POST /judge` with {"rows": [[40 numbers or nulls], …]}.

usage: LINK_HEALTH_MODEL=FOLDER python -m bentoml serve bentoml_service:Judge --working-dir bench/peers --port PORT
"""
import os
from typing import Optional

import bentoml

from link_health import LinkHealth


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Judge:
    """One worker, one model."""

    def __init__(self):
        self.model = LinkHealth(os.environ["LINK_HEALTH_MODEL"])

    @bentoml.api
    def judge(self, rows: list[list[Optional[float]]]) -> list[dict]:
        return self.model.answers(rows)
