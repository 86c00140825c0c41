#!/usr/bin/env bash
# Submits a file of units: an array for each wave, which begins when all of the one before have ended well. More arguments are sbatch's.
# Prints the id of each array.
#
#   slurm/submit.sh RUN/units.jsonl --time=2:00:00
set -euo pipefail
here=$(dirname "$(realpath "$0")")
units=$(realpath "${1:?a file of units}")
shift
after=()
while read -r first last; do
  job=$(sbatch --parsable "${after[@]}" --array="$first-$last" "$@" "$here/unit.sbatch" "$units")
  echo "$job"
  after=(--dependency="afterok:$job" --kill-on-invalid-dep=yes)
done < <(node "$here/../waves.mjs" "$units")
