# shellcheck shell=bash
# Functions that run.sh and shutdown.sh share. For Bash 3.2, the version of macOS, and later ones.

project=${COMPOSE_PROJECT_NAME:-userlake}

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# Finds a container engine that responds. Sets `compose` (the compose command as an array) and `engine` (docker or podman).
find_engine() {
  local candidate silent=''
  for candidate in 'docker compose' 'podman compose' 'podman-compose' 'docker-compose'; do
    read -ra compose <<<"$candidate"
    engine=${candidate%%[ -]*}
    "${compose[@]}" version >/dev/null 2>&1 || continue
    # `compose ls` fails if the engine does not respond; podman-compose does not have this command.
    if { [[ $candidate == podman-compose ]] || "${compose[@]}" ls >/dev/null 2>&1; } && "$engine" info >/dev/null 2>&1; then
      # Some versions of compose ignore the name in compose.yaml.
      compose+=(--project-name "$project")
      return
    fi
    silent="$silent $engine is installed but does not respond."
  done
  fail "no container engine: tried docker compose, podman compose, podman-compose and docker-compose.$silent" \
    'To run without one: npm ci && npm start'
}

# take_down [--volumes]: removes the containers and the network and, with --volumes, the volumes
take_down() {
  "${compose[@]}" down "$@" || return
  # podman-compose before 1.1 leaves the network behind, and other versions of compose refuse to reuse it.
  "$engine" network rm "${project}_default" >/dev/null 2>&1 || true
}
