#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/containers.sh

HELP='Stops the containers that scripts/run.sh has started. The bucket is kept for the next start.

scripts/shutdown.sh [--purge]

  --purge  also removes the bucket and everything in it
  --help   print this help'

purge=()
case "$*" in
  '') ;;
  --purge) purge=(--volumes) ;;
  --help) echo "$HELP"; exit ;;
  *) fail "unknown argument '$*'; see --help" ;;
esac
find_engine

# `compose down` fails if compose.env does not exist.
if [[ ! -e compose.env ]]; then
  trap 'rm -f compose.env' EXIT
  cp compose.env.example compose.env
fi
take_down ${purge[@]+"${purge[@]}"} || fail 'some containers could not be stopped, see above'
if ((${#purge[@]})); then
  echo 'Userlake is stopped and its bucket is removed'
else
  echo "Userlake is stopped; its bucket is kept in the volume ${project}_minio (--purge removes it)"
fi
