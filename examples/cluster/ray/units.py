"""Runs a file of units on Ray, wave by wave, each unit as a process of its own.

    pip install ray
    python ray/units.py RUN/units.jsonl

On a cluster all nodes must see the folder of the run at the same path; RAY_ADDRESS names the cluster.
"""

import json
import os
import shlex
import subprocess
import sys

import ray

LEARNGENE = shlex.split(os.environ.get("LEARNGENE", "npx learngene"))


# What kills a unit may pass: it is tried again, and goes on from its last checkpoint. What was asked for wrongly stays wrong.
@ray.remote(num_cpus=1, max_retries=3, retry_exceptions=[ChildProcessError])
def run(units: str, index: int, *_needs: None) -> None:
    """The exit code and the artifact are all that counts; one that stands is not made again."""
    done = subprocess.run(
        [*LEARNGENE, "unit", "run", units, "--index", str(index), "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode != 0:
        kind = ValueError if done.returncode == 2 else ChildProcessError
        raise kind(f"unit {index}: exit code {done.returncode}: {done.stderr.strip()}")


def main(units: str) -> None:
    with open(units, encoding="utf-8") as lines:
        wanted = [json.loads(line) for line in lines]
    ray.init(log_to_driver=False)
    before: list = []
    wave: list = []
    for index, unit in enumerate(wanted):
        if index > 0 and unit["wave"] != wanted[index - 1]["wave"]:
            before, wave = wave, []
        wave.append(run.remote(os.path.abspath(units), index, *before))
    ray.get(wave)
    print(f"{len(wanted)} units done")


if __name__ == "__main__":
    main(sys.argv[1])
