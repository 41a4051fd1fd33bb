"""The protocol of a peer: say who you are, then for each line read do that work once and print its processor time."""
import sys
import time


def serve(who, works):
    print(who, flush=True)
    for line in sys.stdin:
        work = works[line.strip()]
        start = time.process_time()
        made = work()
        seconds = time.process_time() - start
        del made
        print(seconds, flush=True)
