# shellcheck shell=bash
# What `scripts/run --demo` adds: a simulated world at a lively pace, and three people in it who
# connect everything and now and then have bad luck. Sourced, never run.

demo_people=(ann ben cleo)
demo_platforms=(slack spotify github gmail calendar discord youtube linkedin)

# A mailbox gets an item every fifteen seconds; every access token ends after two minutes.
# shellcheck disable=SC2034  # Used by scripts/run.
simulator_options=(--listen "${LAPWING_DEMO_SIMULATOR:-127.0.0.1:9100}" --rate 240 --history 30m
  --token-life 2m --user ann --user ben --user cleo)

# Seconds between two polls, in place of the hours that ship: as lively as each platform's own
# limits (which the simulator keeps) allow for three people.
demo_interval() {
  case "$1" in
    spotify) echo 15s ;;
    gmail | calendar) echo 30s ;;
    slack) echo 3m ;;      # It answers for one channel a minute.
    linkedin) echo 5m ;;   # 500 calls a day.
    *) echo 1m ;;
  esac
}

demo_data="${LAPWING_DEMO_DATA:-./data/demo}"

# The world begins anew with each run, so what a node knew of the last one is of no use. Only a
# folder that an earlier run made is deleted.
make_demo_folder() {
  local file name
  if [[ -e "$demo_data" && ! -e "$demo_data/made-by-demo" ]]; then
    fail "$demo_data is not of an earlier demo; move it away"
  fi
  rm -rf "$demo_data"
  mkdir -p "$demo_data/platforms"
  : >"$demo_data/made-by-demo"
  for file in config/platforms/*.toml; do
    name="$(basename "$file" .toml)"
    # The first one is the platform's; endpoints may have their own behind it.
    sed -e "0,/^interval = .*/s//interval = \"$(demo_interval "$name")\"\ninterval_min = \"10s\"/" \
      "$file" >"$demo_data/platforms/$name.toml"
  done
}

demo_secret() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# set_demo_environment SIMULATOR NODE: the settings of a node whose platforms are played.
set_demo_environment() {
  local simulator="$1" provider
  export API_URL="$2"
  export LAPWING_PLATFORMS__SIMULATOR="$simulator"
  export LAPWING_PLATFORMS__DIRECTORY="$demo_data/platforms"
  export LAPWING_PLATFORMS__SCAN=1s
  export LAPWING_OUTBOUND__ALLOW_PRIVATE_ADDRESSES=true
  export LAPWING_LIMITS__API_REQUESTS=0   # Dashboards of three people come from one address.
  export LAPWING_LOG__LEVEL="${LAPWING_LOG__LEVEL:-warn}"
  for provider in SPOTIFY GOOGLE GITHUB DISCORD SLACK LINKEDIN; do
    export "${provider}_CLIENT_ID=sim-${provider,,}-id"
    export "${provider}_CLIENT_SECRET=sim-${provider,,}-secret"
  done
  ENCRYPTION_KEY="$(demo_secret)"
  export ENCRYPTION_KEY
  export SLACK_SIGNING_SECRET=sim-slack-signing-secret
  export GOOGLE_PROJECT_ID=lapwing-sim
  export LAPWING_WEBHOOKS__GMAIL__JWKS_URL="$simulator/www.googleapis.com/oauth2/v3/certs"
  export LAPWING_WEBHOOKS__GMAIL__SERVICE_ACCOUNT=push@lapwing-sim.iam.gserviceaccount.com
  export MAILGUN_API_KEY=sim-mailgun-key
  export MAILGUN_DOMAIN=mg.example.com
  export MAILGUN_BASE_URL="$simulator/api.mailgun.net"
  WEBHOOK_SECRET="$(demo_secret)"
  export WEBHOOK_SECRET
}

# say_demo NODE SIMULATOR
say_demo() {
  cat <<TEXT

Lapwing runs, with three people and eight simulated platforms. Ctrl-C stops everything.

  dashboard    $1/?user=ann      (ben and cleo live here, too)
  live stream  curl -N '$1/api/sse/stream?userId=ann'
  simulator    $2/_stats     (docs/simulator.md: break things yourself)
  mails        $2/_mails     (what artists are told of their submissions)

Webhooks arrive within a second or two; Spotify is asked every 15 s; tokens live two minutes and are
renewed halfway. What befalls the people is told here:

TEXT
}

# tell TEXT: a line with the time.
tell() { printf '%(%H:%M:%S)T  %s\n' -1 "$*"; }

# Nobody writes to it: waiting without a process that would outlive this one.
exec {demo_nobody}<> <(:)
rest() { read -r -t "$1" -u "$demo_nobody" || true; }

ask() { curl --silent --max-time 10 --output /dev/null "$@"; }

# connect NODE USER PLATFORM: what a browser does. The provider's page is agreed to by name.
connect() {
  local node="$1" user="$2" platform="$3" jar consent back end
  jar="$demo_data/cookies-$user-$platform"
  consent="$(ask --cookie-jar "$jar" --write-out '%{redirect_url}' \
    "$node/api/oauth/$platform/authorize?userId=$user&redirect=/")" || return 1
  back="$(ask --write-out '%{redirect_url}' "$consent&sim_user=$user")" || return 1
  end="$(ask --cookie "$jar" --write-out '%{redirect_url}' "$back")" || return 1
  rm -f "$jar"
  [[ "$end" == *"connected=$platform" ]]
}

# order SIMULATOR JSON: an order to the world.
order() { ask --data "$2" "$1/_control" || true; }

# submission NODE PERSON NUMBER STATUS: what Supabase says when a row has another status. The secret
# goes by standard input, where nobody sees it among the processes.
submission() {
  ask --header @- --header 'Content-Type: application/json' \
    "$1/webhook/submission-status-update" --data "{\"type\":\"UPDATE\",\"table\":\"submissions\",
      \"schema\":\"public\",\"record\":{\"id\":$3,\"user_id\":\"$2\",\"status\":\"$4\",
      \"title\":\"Demo $3\",\"email\":\"$2@example.com\"},\"old_record\":{\"id\":$3}}" \
    <<<"X-Webhook-Secret: $WEBHOOK_SECRET" || true
}

sync_now() { ask --request POST "$1/api/connections/$3/sync?userId=$2" || true; }

# connect_everything NODE
connect_everything() {
  local node="$1" user platform count=0
  for platform in "${demo_platforms[@]}"; do
    for user in "${demo_people[@]}"; do
      if connect "$node" "$user" "$platform"; then
        count=$((count + 1))
      else
        tell "$user could not connect $platform"
      fi
    done
  done
  tell "$count connections made by ${demo_people[*]}"
}

# withdrawn NODE SIMULATOR USER PLATFORM: the grant ends at the provider, then is given again.
withdrawn() {
  tell "$3 withdraws the consent at $4: the connection needs its person"
  order "$2" "{\"do\":\"revoke\",\"platform\":\"$4\",\"user\":\"$3\"}"
  sync_now "$1" "$3" "$4"
  rest 5
  if connect "$1" "$3" "$4"; then
    tell "$3 connects $4 again: everything is still there"
  fi
}

# play_demo NODE SIMULATOR: until it is stopped.
play_demo() {
  local node="$1" simulator="$2" user number=0
  submission "$node" ann 0 approved
  tell "ann's submission was approved: Mailgun has a mail for her"
  connect_everything "$node"
  order "$simulator" '{"do":"produce","platform":"slack","user":"ann","count":2}'
  tell "Discord's tokens of ann end early: the next call renews them"
  order "$simulator" '{"do":"expire_access_tokens","platform":"discord","user":"ann"}'
  sync_now "$node" ann discord
  withdrawn "$node" "$simulator" ann spotify
  while true; do
    for user in "${demo_people[@]}"; do
      rest 15
      tell "Spotify fails for 20 s: polls are tried again, nothing is lost"
      order "$simulator" '{"do":"fault","kind":"server_error","platform":"spotify","seconds":20}'
      rest 30
      tell "Slack delivers everything twice for a while: it is stored once"
      order "$simulator" '{"do":"fault","kind":"duplicate_delivery","platform":"slack","count":5}'
      rest 20
      tell "Gmail forgets where $user was: the mailbox is read anew, nothing is stored twice"
      order "$simulator" "{\"do\":\"expire_cursors\",\"platform\":\"gmail\",\"user\":\"$user\"}"
      sync_now "$node" "$user" gmail
      rest 20
      tell "$user's hooks at GitHub are deleted: polling goes on meanwhile"
      order "$simulator" "{\"do\":\"delete_registrations\",\"platform\":\"github\",\"user\":\"$user\"}"
      rest 20
      number=$((number + 1))
      tell "Mailgun fails for 10 s while $user's submission is approved: the mail goes later, once"
      order "$simulator" '{"do":"fault","kind":"server_error","platform":"mailgun","seconds":10}'
      submission "$node" "$user" "$number" approved
      rest 20
      withdrawn "$node" "$simulator" "$user" gmail
    done
  done
}
