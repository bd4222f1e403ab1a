#!/usr/bin/env bash
# The README's first command as a newcomer uses it: ready, its addresses open, a second start is refused with a reason,
# Ctrl-C stops everything. In a network namespace of its own, since its ports are the real ones. As root.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
if [ "${1:-}" != inside ]; then
  [ -d tests/browser/node_modules ] || (cd tests/browser && npm ci --loglevel=error)
  exec unshare --net "$PWD/tests/up.sh" inside
fi
ip link set lo up
scratch=$(mktemp -d /tmp/parley-up-XXXXXX)
up=
cleanup() { [ -z "$up" ] || kill -INT -- "-$up" 2> /dev/null || true; rm -rf "$scratch"; }
trap cleanup EXIT
passed=0 failed=0
shows() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@" > "$scratch/said" 2>&1; then passed=$((passed + 1)); echo "ok     up: $what"; else
    failed=$((failed + 1))
    echo "FAILED up: $what"
    tail -20 "$scratch/said" "$scratch/out" || true
  fi
}
within() { # SECONDS COMMAND...: until it succeeds
  local left=$(($1 * 5))
  shift
  until "$@"; do left=$((left - 1)); [ "$left" -gt 0 ] || return 1; sleep 0.2; done
}
page() { curl -ksSf --max-time 5 "https://localhost:8443$1" | grep -qi "$2"; }

# Job control, so that it is a process group of its own as at a terminal, and SIGINT is not ignored.
set -m
# Whoever runs this may ignore SIGINT, which would be inherited.
PARLEY_STATE=$scratch/state env --default-signal=INT ./dev up > "$scratch/out" 2>&1 &
up=$!
set +m
shows "says that it is running" within 60 grep -q "Parley is running" "$scratch/out"
for address in /expertassist/agent /expertassist/supervisor /assistsample /web_plugin_framework/webcontroller; do
  shows "prints $address" grep -q "https://localhost:8443$address" "$scratch/out"
  shows "$address opens" page "$address/" "<html"
done
shows "prints the administrator's password" grep -qF "admin / $(cat "$scratch/state/initial-admin-password" 2> /dev/null)" "$scratch/out"
again() { ! PARLEY_STATE=$scratch/2/state timeout 60 ./dev up > "$scratch/second" 2>&1 && grep -qi "in use" "$scratch/second"; }
shows "a second one says that the port is taken" again
shows "the first goes on" page /expertassist/agent/ "<html"
cores=$(nproc)
media_ports() { for i in $(seq 0 $(((cores > 5 ? 5 : cores) - 1))); do ss -Hlun | grep -q ":$((16000 + i)) " || return 1; done; }
shows "media ports from 16000, one a core" media_ports
shows "the broker's control at 8092" sh -c 'ss -Hltn | grep -q ":8092 "'
node tests/up_call.mjs https://localhost:8443 > "$scratch/call" 2>&1 &
shows "a call" within 30 grep -q talking "$scratch/call"
kill -INT -- "-$up"
shows "Ctrl-C is told in the call, to the customer" within 10 grep -q "customer: The service is being restarted. Calls can go on for up to 5 minutes." "$scratch/call"
shows "and to the agent" within 10 grep -q "agent: The service is being restarted" "$scratch/call"
shows "the call ends as people end it" within 10 grep -q "ended: hung_up" "$scratch/call"
shows "Ctrl-C stops it" within 30 grep -q "Stopped" "$scratch/out"
gone() { ! kill -0 "$up" 2> /dev/null && ! curl -ks --max-time 2 https://localhost:8443/ > /dev/null; }
shows "nothing is left" within 10 gone
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
