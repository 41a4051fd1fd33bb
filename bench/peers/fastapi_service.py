"""Our ONNX model behind FastAPI: `POST /judge` with {"rows": [[40 numbers or nulls], …]}.

usage: LINK_HEALTH_MODEL=FOLDER python -m uvicorn fastapi_service:app --app-dir bench/peers --port PORT --no-access-log
"""
import os
from typing import Optional

from fastapi import FastAPI
from pydantic import BaseModel

from link_health import LinkHealth

app = FastAPI()
model = LinkHealth(os.environ["LINK_HEALTH_MODEL"])


class Question(BaseModel):
    """The rows to judge."""

    rows: list[list[Optional[float]]]


class Judgement(BaseModel):
    """What the model says of one row."""

    probabilities: list[float]
    risk: float


@app.post("/judge")
async def judge(question: Question) -> list[Judgement]:
    return model.answers(question.rows)
