#!/usr/bin/env bash
# tools/install.sh NAME: installs tools/NAME from its lockfile, unless that is done already. What is heavy or needs a newer Node is
# kept here, so that `npm ci` stays small.
set -e
cd "$(dirname "$0")/$1"
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-fund --no-audit
