#!/bin/sh
# Install what tests use beside Python: git, chromium for screenshots, sshd to clone from, a registry of images, PostgreSQL,
# the programs of languages. Debian only; elsewhere it says what is missing.
set -eu
missing=""
command -v git >/dev/null || missing="$missing git"
command -v chromium >/dev/null || missing="$missing chromium"
command -v node >/dev/null || missing="$missing nodejs"
command -v go >/dev/null || missing="$missing golang-go"
command -v ruby >/dev/null || missing="$missing ruby"
command -v Rscript >/dev/null || missing="$missing r-base-core"
command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
# Only where installing them starts nothing: with systemd they would listen to the network.
[ -x /usr/sbin/sshd ] || [ -d /run/systemd/system ] || missing="$missing openssh-server"
[ -x /usr/bin/docker-registry ] || [ -d /run/systemd/system ] || missing="$missing docker-registry"
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || { echo "please install:$missing" >&2; exit 3; }
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -qq
# shellcheck disable=SC2086  the packages are words
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
