# shellcheck shell=bash
# What the scripts share. Sourced, never run.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

say() { printf '%s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Runs a command whose output matters only when it fails: it goes to a log file, shown on failure.
quietly() {
  local log="$1"
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    fail "'$*' failed; the whole output is in $log"
  fi
}

# configure_and_build PRESET TARGET...: builds with every core; ninja prints its progress.
configure_and_build() {
  local preset="$1"
  shift
  quietly "$root/build/logs/configure-$preset.log" cmake -S "$root" --preset "$preset"
  cmake --build "$root/build/$preset" --target "$@" || fail "the build (preset $preset) failed"
}
