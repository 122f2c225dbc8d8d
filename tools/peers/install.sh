#!/usr/bin/env bash
# tools/peers/install.sh: installs ROAPI and Datasette, which `npm run bench -- --full --only peers` compares with, into tools/peers/.venv.
set -e
cd "$(dirname "$0")"
[ .venv/installed -nt requirements.txt ] && exit
python3 -m venv --clear .venv
.venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
touch .venv/installed
