# Sourced by scripts/demo and tests/crash: one server (`orchestrator dev`), its private PostgreSQL, and the sandbox of fake
# providers, in one folder. Needs: $stack (the folder), $binary. Optional: $server_port, $sandbox_port.

server_port=${server_port:-8080}
sandbox_port=${sandbox_port:-8190}
server_url=http://127.0.0.1:$server_port
sandbox_url=http://127.0.0.1:$sandbox_port

# Credentials of the sandbox, which knows nothing real; the admin key is made once per folder.
stack_environment() {
  mkdir -p "$stack"
  [ -s "$stack/admin-key" ] || (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$stack/admin-key")
  export ORCHESTRATOR_DATA_DIR=$stack
  export ORCHESTRATOR_LISTEN=127.0.0.1:$server_port
  export ORCHESTRATOR_NODE_ID=${node_id:-demo}
  ORCHESTRATOR_ADMIN_KEY=$(cat "$stack/admin-key")
  export ORCHESTRATOR_ADMIN_KEY
  export ORCHESTRATOR_WORKFLOWS_DIR=$PWD/workflows
  export ORCHESTRATOR_HTTP_ALLOW_PRIVATE=1
  export ORCHESTRATOR_PAYFAST_URL=$sandbox_url
  export ORCHESTRATOR_PAYFAST_MERCHANT_ID=10000100
  export ORCHESTRATOR_PAYFAST_MERCHANT_KEY=46f0cd694581a
  export ORCHESTRATOR_PAYFAST_PASSPHRASE=jt7NOE43FZPn
  export ORCHESTRATOR_PAYFAST_NOTIFY_URL=$server_url/hooks/default/payfast
  export ORCHESTRATOR_PHONEPE_URL=$sandbox_url
  export ORCHESTRATOR_PHONEPE_CLIENT_ID=sandbox-client
  export ORCHESTRATOR_PHONEPE_CLIENT_SECRET=sandbox-secret
  export ORCHESTRATOR_PHONEPE_HOOK=sandbox_hook:s3cretPass9
  export ORCHESTRATOR_PHONEPE_SALT=11111111-2222-4333-8444-555555555555###1
  export ORCHESTRATOR_MAIL_URL=$sandbox_url
  export ORCHESTRATOR_MAIL_API_KEY=sandbox-mail-key
  export ORCHESTRATOR_MAIL_SENDER=hello@shop.example
  export ORCHESTRATOR_MODEL_URL=$sandbox_url
  export ORCHESTRATOR_EVENT_SINK_URL=$sandbox_url/events
  export ORCHESTRATOR_URL=$server_url
  export ORCHESTRATOR_API_KEY=$ORCHESTRATOR_ADMIN_KEY
}

# Whether the process of a pid file is alive and ours.
is_alive() {
  [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null && grep -qa orchestrator "/proc/$(cat "$1")/cmdline" 2>/dev/null
}

start_sandbox() {
  setsid "$binary" sandbox --port "$sandbox_port" --hook-url "$server_url" >>"$stack/sandbox.log" 2>&1 </dev/null &
  echo $! >"$stack/sandbox.pid"
  wait_for "the sandbox" 20 curl -fsS -o /dev/null "$sandbox_url/control/effects"
}

start_server() {
  setsid "$binary" dev >>"$stack/server.out" 2>>"$stack/server.log" </dev/null &
  echo $! >"$stack/server.pid"
  # Killed on purpose now and then: the shell need not report it.
  disown
}

wait_until_ready() {
  wait_for "the server" "${1:-90}" curl -fsS -o /dev/null "$server_url/readyz"
}

# wait_for WHAT SECONDS COMMAND...: repeats the command until it succeeds.
wait_for() {
  local what=$1 until=$((SECONDS + $2))
  shift 2
  until "$@" 2>/dev/null; do
    if [ $SECONDS -ge $until ]; then
      echo "$what did not come up; the end of its log:" >&2
      tail -5 "$stack"/server.log "$stack"/sandbox.log >&2 2>/dev/null || true
      return 1
    fi
    sleep 0.1
  done
}

stop_process() {
  local file=$1 patience=${2:-40}
  if is_alive "$file"; then
    local pid
    pid=$(cat "$file")
    kill -TERM "$pid" 2>/dev/null || true
    local until=$((SECONDS + patience))
    while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $until ]; do sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$file"
}

# A private PostgreSQL outlives a killed server; this ends it too.
stop_postgres() {
  local file=$stack/postgres/postmaster.pid
  [ -s "$file" ] || return 0
  local pid
  pid=$(head -1 "$file")
  kill -INT "$pid" 2>/dev/null || return 0
  local until=$((SECONDS + 30))
  while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $until ]; do sleep 0.1; done
}

stop_stack() {
  stop_process "$stack/server.pid"
  stop_process "$stack/sandbox.pid" 5
  stop_postgres
}
