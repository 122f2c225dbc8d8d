#!/usr/bin/env bash
# Builds the image, runs it, and starts and stops compose.yaml with the scripts, on a real container engine. Takes no arguments. The last
# line is: N passed, N failed, N skipped. If ../shared/containers exists, the engine and the base images are made by its scripts, as root,
# and the image of MinIO from the program MINIO_BIN. Elsewhere any container engine that can pull images is enough.
set -uo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
export COMPOSE_PROJECT_NAME=userlake-test
# A port that is free: an engine that was killed may still redirect the port of its last run.
export USERLAKE_PORT=${USERLAKE_PORT:-$(node -e 'const server = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(server.address().port); server.close() })')}
image=localhost/userlake-test
url=http://127.0.0.1:$USERLAKE_PORT
checkout=$work/checkout
passed=0 failed=0 skipped=0
root=$PWD
locked=(--read-only --cap-drop=ALL --security-opt=no-new-privileges)

# Removes the containers, volumes and networks of this test.
remove_all() {
  if [[ -d $checkout ]]; then (cd "$checkout" && scripts/shutdown.sh --purge); fi
  "$engine" rm -f userlake-test-single
  "$engine" volume rm userlake-test-lake
} >/dev/null 2>&1

end() {
  remove_all
  "$engine" rmi "$image" "$image-minio" "$image-clickhouse"
  [[ -z ${started_engine:-} ]] || engine_down
  rm -rf "$work"
} >/dev/null 2>&1
trap end EXIT
trap 'exit 130' INT TERM

skip() {
  echo "skipped: $*"
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
}

# check NAME COMMAND...: runs a command or a function, and counts the outcome. Prints the output if it fails.
check() {
  local name=$1 status began=$SECONDS
  shift
  (set -e; "$@") >"$work/log" 2>&1 </dev/null
  status=$?
  if ((status == 0)); then
    passed=$((passed + 1))
    echo "ok: $name ($((SECONDS - began)) s)"
  else
    failed=$((failed + 1))
    echo "failed: $name"
    tail -n 40 "$work/log"
  fi
}

# refuses PATTERN COMMAND...: succeeds if the command fails and its output matches.
refuses() {
  local pattern=$1 output status=0
  shift
  output=$("$@" 2>&1) || status=$?
  echo "exit $status: $output"
  ((status)) && grep -qE -- "$pattern" <<<"$output"
}

# prints PATTERN COMMAND...: succeeds if the command does and its output matches. Without a pipe, because grep -q ends before it has read everything.
prints() {
  local pattern=$1 output
  shift
  output=$("$@" 2>&1) || { echo "$output"; return 1; }
  echo "$output"
  grep -qE -- "$pattern" <<<"$output"
}

# until_so SECONDS COMMAND...: repeats the command until it succeeds. Fails after this time.
until_so() {
  local give_up=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < give_up))
    sleep 0.2
  done
}

# --- An engine and base images ----------------------------------------------------------------------------------------------

if [[ -f ../shared/containers/engine.sh ]]; then
  bash ../shared/containers/make-base-images.sh >"$work/base.log" 2>&1 || skip "no base images: $(tail -1 "$work/base.log")"
  # shellcheck source=/dev/null
  . ../shared/containers/engine.sh
  kill -0 "$(cat "$ENGINE_DIR/service.pid" 2>/dev/null)" 2>/dev/null || started_engine=yes
  engine_up >"$work/engine.log" 2>&1 || skip "no engine: $(tail -1 "$work/engine.log")"
fi
(. scripts/containers.sh && find_engine) 2>"$work/engine.log" || skip "$(cat "$work/engine.log")"
. scripts/containers.sh
find_engine

minio_image=$(sed -n 's/.*{MINIO_IMAGE:-\(.*\)}$/\1/p' compose.yaml)
"$engine" image inspect "$minio_image" >/dev/null 2>&1 || "$engine" pull "$minio_image" >"$work/pull.log" 2>&1 ||
  skip "no image of MinIO, and MINIO_BIN names no server to make one of: $(tail -1 "$work/pull.log")"

# The files of a clone, and those that are not committed yet.
mkdir "$checkout"
git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read -T - | tar -x -C "$checkout"
cd "$checkout" || exit 1
# Removes what a run that was killed has left.
remove_all

# --- The image --------------------------------------------------------------------------------------------------------------

single() { "$engine" exec userlake-test-single "$@"; }
is_state() { [[ $(state Status) == "$1" ]]; }
state() { "$engine" inspect --format "{{.State.$1}}" userlake-test-single; }

# The size is less than 250 MB, and near the one in docs/operations.md.
size_is_small() {
  local bytes documented
  bytes=$("$engine" image inspect --format '{{.Size}}' "$image")
  documented=$(sed -nE 's/^The image is ([0-9]+) MB.*/\1/p' docs/operations.md)
  echo "size: $bytes, docs/operations.md has $documented MB" | tee "$work/size"
  ((bytes < 250000000 && bytes / 1000000 <= documented + 5 && bytes / 1000000 >= documented - 5))
}

image_holds() {
  local inside
  # shellcheck disable=SC2016 # the container's shell expands it
  inside=$("$engine" run --rm "$image" sh -c 'echo * as $(id -un); for path in . lake; do test -w $path && echo $path is writable
    done; for name in npm yarn corepack; do command -v $name; done; ls -d node_modules/typescript dist/test')
  diff - <(echo "$inside") <<<$'dist lake node_modules package.json schemas seed-data web as node\nlake is writable'
  local name
  for name in title description version licenses base.name; do [[ -n $(label "$name") ]]; done
  [[ $(label version) == "$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)" ]]
}
label() { "$engine" image inspect --format "{{index .Config.Labels \"org.opencontainers.image.$1\"}}" "$image"; }

starts_locked() {
  # Not by the exit code of `run --rm`, which is 0 if the container is gone before the engine waits for it.
  "$engine" run -d --name userlake-test-single "${locked[@]}" "$image"
  [[ $("$engine" wait userlake-test-single) == 1 ]]
  prints '^userlake: HOST: got "0.0.0.0".*ALLOW_ANONYMOUS=true' "$engine" logs userlake-test-single
  "$engine" rm userlake-test-single
  "$engine" run -d --name userlake-test-single "${locked[@]}" -e ALLOW_ANONYMOUS=true -v userlake-test-lake:/app/lake -p "127.0.0.1:$USERLAKE_PORT:8080" "$image"
  until_so 30 has_health healthy
  (($(curl -fsS "$url/data?format=csv" | wc -l) == 101))
}
has_health() { [[ $(state Health.Status) == "$1" ]]; }

has_no_rights() {
  single grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs)' /proc/1/status
  single grep -qE '^Uid:\s+1000\s' /proc/1/status
  single grep -qE '^CapEff:\s+0+$' /proc/1/status
  single grep -qE '^CapBnd:\s+0+$' /proc/1/status
  refuses 'Read-only file system' single touch /home/x
}

healthcheck_reports() {
  single node dist/scripts/healthcheck.js
  refuses '^exit 1|healthcheck: ' single env PORT=1 node dist/scripts/healthcheck.js
}

publishes_into_volume() {
  curl -sS -X POST "$url/data" | tee "$work/job"
  grep -q '"state":"succeeded"' "$work/job"
  single test -s lake/processed_data/output.csv
}

ends_on_sigterm() {
  prints /node single readlink /proc/1/exe
  local began=$SECONDS
  "$engine" kill --signal TERM userlake-test-single
  until_so 10 is_state exited
  echo "after $((SECONDS - began)) s, exit $(state ExitCode)"
  ((SECONDS - began <= 3))
  [[ $(state ExitCode) == 0 ]]
  "$engine" rm userlake-test-single
}

check 'the image builds' "$engine" build -f Containerfile -t "$image" .
check 'the image has less than 250 MB' size_is_small
cat "$work/size"
check 'the image holds what the service needs, and no more' image_holds
check 'the container becomes healthy with a read-only root, without capabilities, with a volume' starts_locked
check 'pid 1 has no special rights' has_no_rights
check 'the health check succeeds if the service is ready, and fails if no service listens' healthcheck_reports
check 'the service publishes into the volume' publishes_into_volume
check 'SIGTERM ends the service within 3 s, with exit code 0' ends_on_sigterm

# --- Bad input --------------------------------------------------------------------------------------------------------------

nothing_is_left() {
  local label=label=com.docker.compose.project=$COMPOSE_PROJECT_NAME
  [[ ! -e compose.env ]]
  [[ -z $("$engine" ps -aq --filter "$label") ]]
  [[ -z $("$engine" network ls -q --filter "name=${COMPOSE_PROJECT_NAME}_default") ]]
  ! "$engine" volume inspect "${COMPOSE_PROJECT_NAME}_minio"
}

without_engine() {
  mkdir -p "$work/bin"
  ln -sf "$(command -v bash)" "$(command -v dirname)" "$work/bin"
  refuses 'no container engine.*npm ci && npm start' env PATH="$work/bin" scripts/run.sh
  refuses 'no container engine.*npm ci && npm start' env PATH="$work/bin" scripts/shutdown.sh
  nothing_is_left
}

wrong_arguments() {
  prints USERLAKE_PORT scripts/run.sh --help
  prints --purge scripts/shutdown.sh --help
  refuses "run.sh: unknown argument '--fast'" scripts/run.sh --fast
  refuses "shutdown.sh: unknown argument '--all'" scripts/shutdown.sh --all
  for port in 0 65536 http; do refuses "USERLAKE_PORT: got '$port'" env USERLAKE_PORT=$port scripts/run.sh; done
  nothing_is_left
}

taken_port() {
  node -e 'require("http").createServer((_, response) => response.end()).listen(process.env.USERLAKE_PORT, "127.0.0.1")' &
  local pid=$! status=0
  until_so 5 curl -fs "$url"
  refuses "USERLAKE_PORT: got $USERLAKE_PORT, which another process listens on" scripts/run.sh || status=1
  kill "$pid"
  nothing_is_left
  return $status
}

no_pull() {
  refuses "MINIO_IMAGE: 'localhost:1/minio' cannot be pulled" env MINIO_IMAGE=localhost:1/minio scripts/run.sh
  nothing_is_left
  sed -i.good 's#^ARG BASE_IMAGE=docker.io/library/debian#ARG BASE_IMAGE=localhost:1/debian#' Containerfile
  refuses 'the image of Userlake could not be built' scripts/run.sh
  mv Containerfile.good Containerfile
  nothing_is_left
}

missing_env() {
  refuses 'compose.env' "${compose[@]}" up -d
  nothing_is_left
}

wrong_credentials() {
  sed 's/^\(AWS_SECRET_ACCESS_KEY\)=.*/\1=not-the-same/' compose.env.example >compose.env
  refuses 'seed: s3://datalake' scripts/run.sh
  rm compose.env # it was not made by run.sh, which leaves it alone
  nothing_is_left
}

check 'wrong arguments are refused, and --help is printed' wrong_arguments
check 'without a container engine, the scripts refuse to run' without_engine
check 'a port that another process listens on is refused' taken_port
check 'an image that cannot be pulled is reported' no_pull
check 'compose up without compose.env fails' missing_env
check 'credentials that MinIO does not know are reported' wrong_credentials

# --- Up and down ------------------------------------------------------------------------------------------------------------

# bucket CODE: runs JavaScript in the container of the service, which has the SDK. `s3` sends a command to the bucket.
bucket() {
  "${compose[@]}" exec -T userlake node --input-type=module -e "
    import * as sdk from '@aws-sdk/client-s3'
    const client = new sdk.S3Client({ region: 'us-east-1', endpoint: process.env.AWS_ENDPOINT_URL_S3, forcePathStyle: true })
    const s3 = (name, input) => client.send(new sdk[name + 'Command']({ Bucket: 'datalake', ...input }))
    const text = async (Key) => (await s3('GetObject', { Key })).Body.transformToString()
    $1"
}

comes_up() {
  scripts/run.sh | tee "$work/run.out"
  # The commands that it prints succeed.
  (($(grep -c '^  curl ' "$work/run.out") == 3))
  grep '^  curl ' "$work/run.out" | sed 's/curl /curl -fsS /' | bash -e
  grep -q '=change-me' compose.env && return 1
  [[ $(stat -c %a compose.env) == 600 ]]
}

publishes_into_bucket() {
  # The first job has written the output already.
  bucket "await s3('DeleteObject', { Key: 'processed_data/output.csv' })"
  curl -sS -X POST "$url/data" | tee "$work/job"
  grep -q '"state":"succeeded".*"skipped":false' "$work/job"
  bucket "console.log(await text('processed_data/output.csv'))" >"$work/output.csv"
  head -3 "$work/output.csv"
  (($(grep -c . "$work/output.csv") == 101))
}

comes_up_again() {
  local before
  bucket "for (const Key of ['other/notes.txt', 'source_data/own.csv']) await s3('PutObject', { Key, Body: 'mine' })"
  before=$("${compose[@]}" ps -q userlake)
  scripts/run.sh
  prints 'uploaded 0, unchanged 193' "${compose[@]}" logs seed
  [[ $("${compose[@]}" ps -q userlake) == "$before" ]]
  others_are_untouched
}

others_are_untouched() {
  bucket "for (const Key of ['other/notes.txt', 'source_data/own.csv']) if (await text(Key) !== 'mine') process.exit(1)"
}

survives_store_restart() {
  "${compose[@]}" stop minio
  sleep 3 # longer than MAX_STALENESS, so that reads need a refresh
  for _ in 1 2 3; do
    curl -sSi "$url/data?format=csv" >"$work/stale"
    grep -i '^data-stale' "$work/stale"
    grep -qi '^data-stale: unreachable' "$work/stale"
    (($(sed '1,/^\r$/d' "$work/stale" | wc -l) == 101))
  done
  curl -fsS "$url/readyz"
  "${compose[@]}" start minio
  local began=$SECONDS
  until_so 30 is_fresh
  echo "fresh $((SECONDS - began)) s after the start"
  publishes_into_bucket
}
is_fresh() {
  curl -sSi "$url/data" >"$work/response"
  grep -qE '^HTTP/1.1 200 ' "$work/response" && ! grep -i '^data-stale' "$work/response"
}

goes_down_and_up() {
  scripts/shutdown.sh
  [[ -z $("$engine" ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME") ]]
  scripts/run.sh
  others_are_untouched
}

# Makes new credentials for the same bucket.
comes_up_with_new_credentials() {
  scripts/shutdown.sh
  rm compose.env
  scripts/run.sh
  others_are_untouched
}

# Runs the command of docs/operations.md for own files.
takes_own_files() {
  mkdir mine
  echo 'first_name, last_name, birthts
Ann, Own, 0' >mine/ann.csv
  grep '^docker compose run .* --from /mine' docs/operations.md | sed "s/^docker compose/${compose[*]}/" | tee "$work/command"
  bash -e "$work/command"
  rm -r mine
  prints '"last_name":"Own"' curl -fsS -H 'Cache-Control: no-cache' "$url/data/ann"
}

# The commands of docs/operations.md for compose without the scripts and, below, for a container without compose, under names of this test.
comes_up_by_itself() {
  scripts/shutdown.sh
  # shellcheck disable=SC2016 # they are Markdown's
  grep -q '`docker compose up -d --build --wait`' docs/operations.md
  "${compose[@]}" up -d --build --wait
  (($(curl -fsS "$url/data?format=csv" | wc -l) >= 101))
  others_are_untouched
}

runs_as_documented() {
  local command
  command=$(grep -E '^docker run ' docs/operations.md | sed -E "s/^docker run /-d --rm --name userlake-test-single /; s/8080:8080/$((USERLAKE_PORT + 1)):8080/; s/ -v userlake:/ -v userlake-test-lake:/; s/ userlake\$/ ${image//\//\\\/}/")
  grep -qE '^docker build -f Containerfile -t userlake \.$' docs/operations.md
  # shellcheck disable=SC2086 # they are words
  "$engine" run $command
  until_so 30 curl -fsS "http://127.0.0.1:$((USERLAKE_PORT + 1))/data/wren.ashgrove"
  "$engine" rm -f userlake-test-single
}

# The health check of MinIO then does without mc.
comes_up_without_mc() {
  printf 'FROM %s\nRUN rm -f /usr/bin/mc\n' "$minio_image" | "$engine" build -t "$image-minio" -
  MINIO_IMAGE=$image-minio scripts/run.sh
  others_are_untouched
}

is_purged() {
  scripts/shutdown.sh --purge
  rm compose.env
  nothing_is_left
  scripts/shutdown.sh # twice is fine, and so is no compose.env
  nothing_is_left
}

check 'run.sh starts a clean checkout, and the commands that it prints succeed' comes_up
check 'POST /data puts output.csv into the bucket' publishes_into_bucket
check 'run.sh changes nothing when it runs again, and no objects of others' comes_up_again
check 'reads go on while the store restarts' survives_store_restart
check 'run.sh after shutdown.sh finds the bucket as it was' goes_down_and_up
check 'run.sh starts with new credentials for the same bucket' comes_up_with_new_credentials
check 'the command of docs/operations.md uploads own files' takes_own_files
check 'compose up needs no scripts' comes_up_by_itself
check 'the docker run of docs/operations.md starts the service' runs_as_documented
check 'an image of MinIO without mc is enough' comes_up_without_mc
check 'shutdown.sh --purge leaves nothing' is_purged

# --- compose.clickhouse.yaml ------------------------------------------------------------------------------------------------

launcher=$root/../shared/stores/clickhouse/launcher.c library=$root/tools/clickhouse/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so
with_clickhouse() { "${compose[@]}" -f compose.yaml -f compose.clickhouse.yaml -f "$work/no-limits.yaml" "$@"; }

comes_up_with_clickhouse() {
  cp -r test/clickhouse-image "$work/clickhouse"
  cp "$library" "$work/clickhouse/libchdb.so"
  gcc -O1 -o "$work/clickhouse/launcher" "$launcher" -ldl
  "$engine" build -f "$work/clickhouse/Containerfile" -t "$image-clickhouse" "$work/clickhouse"
  # An engine inside a sandbox may not raise limits.
  printf 'services:\n  clickhouse:\n    ulimits: !reset null\n' >"$work/no-limits.yaml"
  sed 's/change-me/a-long-secret/' compose.env.example >compose.env
  with_clickhouse up --detach --build --wait
  (($(curl -fsS "$url/data?format=csv" | wc -l) == 101))
  publishes_into_bucket
  bucket "await s3('HeadObject', { Key: 'processed_data/output.engine.json' })"
}

survives_clickhouse_restart() {
  with_clickhouse stop clickhouse
  until_so 30 prints '"code":"engine_unavailable"' curl -sS "$url/data?q=$RANDOM"
  with_clickhouse start clickhouse
  until_so 60 curl -fsS "$url/data?q=$RANDOM"
}

refuses_wrong_password() {
  CLICKHOUSE_PASSWORD=another with_clickhouse up --detach --no-deps userlake
  until_so 30 prints '"code":"engine_access_denied"' curl -sS "$url/readyz"
  with_clickhouse down --volumes
  rm compose.env
  nothing_is_left
}

if [[ -f $launcher && -f $library ]] && command -v gcc >/dev/null; then
  export CLICKHOUSE_IMAGE=$image-clickhouse
  check 'compose.clickhouse.yaml: the records are in ClickHouse' comes_up_with_clickhouse
  check 'reads are 503 while ClickHouse is away, and go on after it' survives_clickhouse_restart
  check 'a password that ClickHouse does not know is reported' refuses_wrong_password
else
  skipped=1
  echo 'skipped: compose.clickhouse.yaml: tools/clickhouse, gcc and the launcher of its servers are needed'
fi

# On a machine whose docker fails.
runs_with_podman_compose() {
  mkdir "$work/no-docker"
  printf '#!/bin/sh\nexit 1\n' >"$work/no-docker/docker"
  chmod +x "$work/no-docker/docker"
  export PATH="$work/no-docker:$PATH"
  comes_up
  (($(curl -fsS "$url/data?format=csv" | wc -l) == 101))
  scripts/run.sh
  scripts/shutdown.sh --purge
  rm compose.env
  nothing_is_left
}
if command -v podman-compose >/dev/null; then
  check 'run.sh and shutdown.sh work with podman-compose' runs_with_podman_compose
fi
if command -v shellcheck >/dev/null; then
  check 'shellcheck' shellcheck -x scripts/*.sh test/containers.sh
fi

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
