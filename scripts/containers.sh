# shellcheck shell=bash
# What run.sh and shutdown.sh have in common. Bash 3.2 is enough, which is what macOS has.

project=${COMPOSE_PROJECT_NAME:-userlake}

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# Sets `compose`, the words of the command, and `engine`, docker or podman. `project` is the name of it all.
find_engine() {
  local candidate silent=''
  for candidate in 'docker compose' 'podman compose' 'podman-compose' 'docker-compose'; do
    read -ra compose <<<"$candidate"
    engine=${candidate%%[ -]*}
    "${compose[@]}" version >/dev/null 2>&1 || continue
    # `ls` takes an engine that answers; podman-compose does not have it.
    if { [[ $candidate == podman-compose ]] || "${compose[@]}" ls >/dev/null 2>&1; } && "$engine" info >/dev/null 2>&1; then
      # Not every compose reads the name in compose.yaml.
      compose+=(--project-name "$project")
      return
    fi
    silent="$silent $engine is installed but does not answer."
  done
  fail "no container engine: tried docker compose, podman compose, podman-compose and docker-compose.$silent" \
    'To run without one: npm ci && npm start'
}

# take_down [--volumes]
take_down() {
  "${compose[@]}" down "$@" || return
  # podman-compose before 1.1 leaves it behind, and other composes would not take it over.
  "$engine" network rm "${project}_default" >/dev/null 2>&1 || true
}
