#!/bin/sh
# Make sure that a Docker engine answers: the one that DOCKER_HOST names, else the usual one of this machine. Where there is
# none, install it (Debian) and start it by hand, for machines on which nothing starts services.
#   scripts/docker-engine.sh         does nothing when an engine answers
#   scripts/docker-engine.sh stop    ends the engine that this script has started
# DOCKER_ROOT keeps the images of the started engine, DOCKER_RUN its socket, pid and log. Not beside another engine: both would
# use the same bridge.
set -eu
cd "$(dirname "$0")/.."

root=${DOCKER_ROOT:-/var/lib/docker}
run=${DOCKER_RUN:-/var/run}
address=unix://$run/docker.sock
pid_file=$run/wdprefect-docker.pid
log=$run/wdprefect-docker.log

say() { echo "docker engine: $*" >&2; }
give_up() { say "$*"; exit 3; }
answers() { DOCKER_HOST=${1-} .venv/bin/python -c 'import docker; docker.from_env(timeout=5).ping()' 2>/dev/null; }
# The number of a process that has ended may be another's by now.
started() { [ -s "$pid_file" ] && grep -qs dockerd "/proc/$(cat "$pid_file")/comm"; }

as_root() {
  [ "$(id -u)" = 0 ] && return
  command -v sudo >/dev/null || give_up "none answers that this user may use, and only root starts or ends one: run this script as root"
  exec sudo DOCKER_ROOT="$root" DOCKER_RUN="$run" scripts/docker-engine.sh "$@"
}

install_engine() {
  if command -v dockerd >/dev/null && command -v iptables >/dev/null; then return; fi
  command -v apt-get >/dev/null || give_up "none is installed: install Docker"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
}

# A machine may come without any, and no container starts there.
mount_cgroups() {
  mountpoint -q /sys/fs/cgroup && return
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  awk '$4 == 1 { print $1 }' /proc/cgroups | while read -r name; do
    mkdir "/sys/fs/cgroup/$name"
    # The kernel refuses those that version 2 holds.
    mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name" 2>/dev/null || rmdir "/sys/fs/cgroup/$name"
  done
  [ -n "$(ls /sys/fs/cgroup)" ] || mount -t cgroup2 cgroup /sys/fs/cgroup
}

# Start dockerd with these flags, in a session of its own; false when it ends, or does not answer within 30 s.
start() {
  # A user who came by sudo may use the socket.
  setsid dockerd --data-root "$root" --exec-root "$run/wdprefect-docker" --pidfile "$pid_file" -H "$address" \
    ${SUDO_GID:+--group "$SUDO_GID"} "$@" >>"$log" 2>&1 </dev/null &
  server=$!
  for _ in $(seq 100); do
    answers "$address" && return
    kill -0 "$server" 2>/dev/null || return 1
    sleep 0.3
  done
  kill "$server"
  wait "$server" || true
  return 1
}

stop() {
  started || { say "this script has started none that runs"; return; }
  as_root stop
  server=$(cat "$pid_file")
  kill "$server"
  for _ in $(seq 100); do
    kill -0 "$server" 2>/dev/null || { say "dockerd $server has ended"; return; }
    sleep 0.2
  done
  give_up "dockerd $server does not end"
}

case ${1:-start} in
  start) ;;
  stop) stop; exit ;;
  *) echo "usage: scripts/docker-engine.sh [stop]" >&2; exit 2 ;;
esac

scripts/setup.sh
host=${DOCKER_HOST-${DOCKER_RUN:+$address}}
answers "$host" && exit
[ -z "$host" ] || [ "$host" = "$address" ] || give_up "none answers at DOCKER_HOST=$host: start it, or unset DOCKER_HOST"
[ "$(uname -s)" = Linux ] || give_up "none answers: start Docker Desktop, or another one, and name its socket in DOCKER_HOST"
[ ! -d /run/systemd/system ] || give_up "none answers: install Docker, 'sudo systemctl start docker', and be of the group 'docker'"
as_root

install_engine
mkdir -p "$root" "$run"
: >"$log"
mount_cgroups
# Each gives up more: networks of containers, then layers that are not copied.
start || start --bridge=none --iptables=false || start --bridge=none --iptables=false --storage-driver=vfs || {
  tail -n 20 "$log" >&2
  give_up "dockerd does not start; above is the end of $log"
}
say "dockerd $(cat "$pid_file") answers at $address; 'scripts/docker-engine.sh stop' ends it"
[ "$run" = /var/run ] || say "to use it: export DOCKER_HOST=$address"
