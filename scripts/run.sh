#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/containers.sh

HELP='Brings up Userlake and a bucket with sample data, in containers of Docker or Podman, and waits until it is ready.

scripts/run.sh

  USERLAKE_PORT=8080  where it answers on 127.0.0.1
  MINIO_IMAGE=        another image of MinIO than the one in compose.yaml

The credentials are in compose.env, which is made with a random password where it is missing. Running it again brings up
what has changed. What fails to start is taken down again. scripts/shutdown.sh ends it all.'

case "$*" in
  '') ;;
  --help) echo "$HELP"; exit ;;
  *) fail "takes no '$*'; see --help" ;;
esac
port=${USERLAKE_PORT:-8080}
if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65535)); then fail "USERLAKE_PORT: got '$port'; takes 1 to 65535"; fi
find_engine

# running FORMAT: of each running container of the project
running() { "$engine" ps --filter "label=com.docker.compose.project=$project" --format "$1"; }

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

# Asked through the published port, and without curl, which a machine with an engine need not have.
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

# Leaves nothing half-made: takes back what was not there before.
undo() {
  local status=$?
  ((status)) || return 0
  if [[ -z $was_running ]]; then
    # shellcheck disable=SC2119 # its arguments are not those of the script
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
  echo 'compose.env was missing: made it from compose.env.example, with a random password'
fi

# What this script has checked is what compose takes, whatever a file .env says.
export USERLAKE_PORT=$port MINIO_IMAGE
MINIO_IMAGE=${MINIO_IMAGE:-$(sed -n 's/.*{MINIO_IMAGE:-\(.*\)}$/\1/p' compose.yaml)}
"$engine" image inspect "$MINIO_IMAGE" >/dev/null 2>&1 || "$engine" pull "$MINIO_IMAGE" ||
  fail "MINIO_IMAGE: '$MINIO_IMAGE' can't be pulled, see above; name another one: MINIO_IMAGE=... scripts/run.sh"
"${compose[@]}" build userlake ||
  fail 'the image of Userlake could not be built, see above; that takes its base images and the npm registry'
"${compose[@]}" up -d || {
  "${compose[@]}" logs --tail 20 >&2 || true
  fail 'the containers could not be started, see above'
}

# Not every compose waits for the upload of the sample data.
seed=$("$engine" ps -aq --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.service=seed)
[[ $("$engine" wait "$seed") == 0 ]] || {
  "$engine" logs --tail 20 "$seed" >&2 || true
  fail 'the sample data could not be uploaded, see above'
}

give_up=$((SECONDS + 60))
until is_ready; do
  ((SECONDS < give_up)) || {
    "${compose[@]}" logs --tail 20 >&2 || true
    fail 'Userlake was not ready within 60 s; its last words are above'
  }
  sleep 0.2
done

url=http://127.0.0.1:$port
cat <<TRY

Userlake is ready on $url, with the sample data in its bucket. Try:

  curl '$url/data?min_age=30&max_age=33&image_exists=false'
  curl '$url/stats'
  curl -X POST '$url/data'    # brings processed_data/output.csv up to date in the bucket

scripts/shutdown.sh takes it down; with --purge, its data too.
TRY
