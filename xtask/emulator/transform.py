"""Prints what SAM makes of a template: the plain CloudFormation that an account really gets.

The linters see less in SAM's short forms than in what they become, so both are linted.
"""

import json
import sys

from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoPolicies:
    """Managed policies by name: the template names none, so none is looked up."""

    def list_policies(self, **_):
        raise LookupError("the template names a managed policy; name it by its ARN")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        template = yaml_parse(file)
    # CodeUri is a folder until `sam deploy` has put it into a bucket; the transform wants the bucket.
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            name = resource["Properties"]["CodeUri"].strip("/").rsplit("/", 1)[-1]
            resource["Properties"]["CodeUri"] = {"Bucket": "functions", "Key": f"{name}.zip"}
    print(json.dumps(transform(template, {}, ManagedPolicyLoader(NoPolicies())), indent=1))


if __name__ == "__main__":
    main()
