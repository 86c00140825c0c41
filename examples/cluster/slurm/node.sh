#!/usr/bin/env bash
# A Slurm cluster of this one machine, in a folder of its own, beside whatever else is here; as root. Debian: apt-get install slurm-wlm munge
#
#   slurm/node.sh start DIR     then: export SLURM_CONF=DIR/slurm.conf
#   slurm/node.sh stop DIR
set -euo pipefail
action=${1:?start or stop}
mkdir -p "${2:?a folder}"
dir=$(realpath "$2")
host=$(hostname -s)
port=${SLURM_EXAMPLE_PORT:-16817}

# Ends what this script started there, by the ids that it wrote down, and nothing else.
stop() {
  for name in slurmctld slurmd munged; do
    [ -f "$dir/$name.pid" ] || continue
    pid=$(cat "$dir/$name.pid")
    kill "$pid" 2> /dev/null || true
    for _ in $(seq 100); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
    rm -f "$dir/$name.pid"
  done
}

start() {
  mkdir -p "$dir/state" "$dir/spool"
  # Munge wants folders that nobody else writes to, all the way up, or a key and a socket that it is told to take.
  [ -f "$dir/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom > "$dir/munge.key")
  munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
    --log-file="$dir/munged.log" --seed-file="$dir/munged.seed" --num-threads=2
  cat > "$dir/slurm.conf" << CONF
ClusterName=learngene
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
# Neither cgroups nor systemd are needed.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MaxArraySize=10001
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=units Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  export SLURM_CONF=$dir/slurm.conf
  slurmctld -c
  slurmd
  for _ in $(seq 100); do
    [ "$(sinfo -h -o %t 2> /dev/null)" = idle ] && return
    sleep 0.2
  done
  echo "the node did not come up; its logs:" >&2
  tail -n 5 "$dir"/*.log >&2
  return 1
}

case $action in
  start) start || { stop; exit 1; } ;;
  stop) stop ;;
  *) echo "node.sh: the action is start or stop; got $action" >&2; exit 2 ;;
esac
