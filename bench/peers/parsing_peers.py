"""prometheus_client's own parser of the text exposition, reading every sample of every family.

usage: parsing_peers.py EXPOSITION
"""
import importlib.metadata
import sys

from prometheus_client.parser import text_string_to_metric_families

from worker import serve


def main():
    with open(sys.argv[1]) as file:
        text = file.read()

    def parse():
        return sum(len(family.samples) for family in text_string_to_metric_families(text))

    serve(f"prometheus_client {importlib.metadata.version('prometheus_client')}", {"parse": parse})


if __name__ == "__main__":
    main()
