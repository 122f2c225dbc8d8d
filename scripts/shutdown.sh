#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/containers.sh

HELP='Takes down what scripts/run.sh has brought up. The bucket stays, for the next time.

scripts/shutdown.sh [--purge]

  --purge  removes the bucket with all that is in it, too
  --help'

purge=()
case "$*" in
  '') ;;
  --purge) purge=(--volumes) ;;
  --help) echo "$HELP"; exit ;;
  *) fail "takes no '$*'; see --help" ;;
esac
find_engine

# Compose reads it even to take things down.
if [[ ! -e compose.env ]]; then
  trap 'rm -f compose.env' EXIT
  cp compose.env.example compose.env
fi
take_down ${purge[@]+"${purge[@]}"} || fail 'could not take everything down, see above'
if ((${#purge[@]})); then
  echo 'Userlake is down, its bucket is removed'
else
  echo "Userlake is down; its bucket is kept in the volume ${project}_minio (--purge removes it)"
fi
