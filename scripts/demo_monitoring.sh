# shellcheck shell=bash
# What `scripts/run --demo --postgres` adds: examples/monitoring on the demo's database. Sourced after
# demo.sh, never run.

# shellcheck disable=SC2034  # Used by scripts/run.
monitoring_port="${LAPWING_DEMO_MONITORING_PORT:-3100}"

# The page is of another origin than the node, and its people's tokens are signed with the node's key.
set_monitoring_environment() {
  export LAPWING_HTTP__CORS_ORIGINS="http://127.0.0.1:$monitoring_port"
  LAPWING_AUTH__JWT_SECRET="$(demo_secret)"
  export LAPWING_AUTH__JWT_SECRET
}

# make_monitoring_tables DATABASE_URL
make_monitoring_tables() {
  local file
  for file in schema sample; do
    psql -X -q -v ON_ERROR_STOP=1 "$1" -f "examples/monitoring/$file.sql" >/dev/null
  done
}

# say_monitoring PAGE
say_monitoring() {
  cat <<TEXT
Live database changes under row-level security (examples/monitoring): open two of these side by side.

  ann, ben     $1/?user=ann   $1/?user=ben     (Acme)
  cleo         $1/?user=cleo     (Globex: sees nothing of the others)

TEXT
}
