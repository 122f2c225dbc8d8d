#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/containers.sh

HELP='Starts Userlake and a MinIO bucket with sample data in containers (Docker or Podman), and waits until the service is ready.

scripts/run.sh

  USERLAKE_PORT=8080  the port on 127.0.0.1
  MINIO_IMAGE=...     the image of MinIO, if it is not to be the one in compose.yaml

The credentials are in compose.env, which is created with a random password if it does not exist. Running the script again
restarts the containers whose configuration has changed. If a container fails to start, the containers that this run has created are
removed. scripts/shutdown.sh stops all of them.'

case "$*" in
  '') ;;
  --help) echo "$HELP"; exit ;;
  *) fail "unknown argument '$*'; see --help" ;;
esac
port=${USERLAKE_PORT:-8080}
if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65535)); then fail "USERLAKE_PORT: got '$port'; must be a number from 1 to 65535"; fi
find_engine

# running FORMAT: prints each running container of the project in this format of `ps`
running() { "$engine" ps --filter "label=com.docker.compose.project=$project" --format "$1"; }

# Whether a process listens on the port.
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

# Whether /readyz returns 200, by the published port. Does not use curl, which may not be installed.
is_ready() (
  exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3 &&
    read -rt 5 _ status _ <&3 && [[ $status == 200 ]]
) 2>/dev/null

if [[ $(running '{{.Ports}}') != *":$port->"* ]] && listens; then
  fail "USERLAKE_PORT: got $port, which another process listens on; try USERLAKE_PORT=8081 scripts/run.sh"
fi

volume=${project}_minio
was_running=$(running '{{.ID}}')
had_volume=$("$engine" volume inspect "$volume" 2>/dev/null | grep -F "$volume" || true)
made_env=

# After a failure, removes what this run has created, but nothing that existed before.
undo() {
  local status=$?
  ((status)) || return 0
  if [[ -z $was_running ]]; then
    # shellcheck disable=SC2119 # called without the arguments of the script
    take_down >/dev/null 2>&1 || true
    [[ -n $had_volume ]] || "$engine" volume rm "$volume" >/dev/null 2>&1 || true
  fi
  [[ -z $made_env ]] || rm -f compose.env
}
trap undo EXIT
trap 'exit 130' INT TERM

if [[ ! -e compose.env ]]; then
  made_env=yes
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  (umask 077 && sed "s/=change-me\$/=$password/" compose.env.example >compose.env)
  echo 'compose.env did not exist: created it from compose.env.example with a random password'
fi

# Exported, so that Compose uses the values that were checked here and not those of a file .env.
export USERLAKE_PORT=$port MINIO_IMAGE
MINIO_IMAGE=${MINIO_IMAGE:-$(sed -n 's/.*{MINIO_IMAGE:-\(.*\)}$/\1/p' compose.yaml)}
"$engine" image inspect "$MINIO_IMAGE" >/dev/null 2>&1 || "$engine" pull "$MINIO_IMAGE" ||
  fail "MINIO_IMAGE: '$MINIO_IMAGE' cannot be pulled, see above; set another image: MINIO_IMAGE=... scripts/run.sh"
"${compose[@]}" build userlake ||
  fail 'the image of Userlake could not be built, see above; the build needs its base images and the npm registry'
"${compose[@]}" up -d || {
  "${compose[@]}" logs --tail 20 >&2 || true
  fail 'the containers could not be started, see above'
}

# Some versions of compose do not wait for the upload of the sample data.
seed=$("$engine" ps -aq --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.service=seed)
[[ $("$engine" wait "$seed") == 0 ]] || {
  "$engine" logs --tail 20 "$seed" >&2 || true
  fail 'the sample data could not be uploaded, see above'
}

give_up=$((SECONDS + 60))
until is_ready; do
  ((SECONDS < give_up)) || {
    "${compose[@]}" logs --tail 20 >&2 || true
    fail 'Userlake was not ready within 60 s; the end of its log is above'
  }
  sleep 0.2
done

url=http://127.0.0.1:$port
cat <<TRY

Userlake is ready at $url, with the sample data in its bucket. Try:

  curl '$url/data?min_age=30&max_age=33&image_exists=false'
  curl '$url/stats'
  curl -X POST '$url/data'    # brings processed_data/output.csv up to date in the bucket

scripts/shutdown.sh stops it; with --purge it also removes the data.
TRY
