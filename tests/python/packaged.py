"""A packed model as SageMaker's stock images serve it: AWS's own toolkit calls the script, this plays the model server.

usage: packaged.py MODEL_DIR < QUESTIONS

The folder is what SageMaker unpacks at /opt/ml/model. The model server (Java, in the images) hands each request to the toolkit's
handler service with a context; what stands here in its place does the same and nothing more. Questions and answers are JSON lines:
{"content_type", "accept", "body": hex} and {"status", "content_type", "body"}. The first line answered says what is installed.
"""
import importlib.metadata
import json
import os
import sys

from packaging.requirements import Requirement


class RequestProcessor:
    def __init__(self, properties):
        self.properties = properties

    def get_request_properties(self):
        return self.properties


class Context:
    """As the model server makes it for each request."""

    def __init__(self, folder, properties):
        self.system_properties = {"model_dir": folder}
        self.request_processor = [RequestProcessor(properties)]
        self.status, self.content_type = 200, None

    def set_response_status(self, code, phrase):
        self.status = int(code)

    def set_response_content_type(self, _, content_type):
        self.content_type = content_type


def service_of(folder):
    # As the images set them: the container's environment, then the model server's path.
    os.environ["SAGEMAKER_PROGRAM"] = "inference.py"
    os.environ["SAGEMAKER_SUBMIT_DIRECTORY"] = os.path.join(folder, "code")
    sys.path.insert(0, os.path.join(folder, "code"))
    sys.dont_write_bytecode = True
    from sagemaker_inference.default_handler_service import DefaultHandlerService
    service = DefaultHandlerService()
    service.initialize(Context(folder, {}))
    return service


def unmet(folder):
    """Requirements of the package that this Python does not meet."""
    with open(os.path.join(folder, "code", "requirements.txt"), encoding="utf-8") as file:
        wanted = [Requirement(line) for line in file.read().splitlines()]
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate()]
    return [str(one) for one in wanted if not one.specifier.contains(importlib.metadata.version(one.name))]


def main():
    folder = sys.argv[1]
    print(json.dumps({"unmet": unmet(folder)}))
    service = service_of(folder)
    for line in sys.stdin:
        question = json.loads(line)
        properties = {name: question[key] for name, key in (("Content-Type", "content_type"), ("Accept", "accept"))
                      if question[key] is not None}
        context = Context(folder, properties)
        body = service.handle([{"body": bytes.fromhex(question["body"])}], context)[0]
        print(json.dumps({"status": context.status, "content_type": context.content_type, "body": body}))


if __name__ == "__main__":
    main()
