#!/bin/sh
# Makes what must not stand in the other files, in secrets/, readable by you alone (0600). What is there is kept.
#   secrets/gateway.env   the two keys; either opens the endpoint
# New keys: remove the files, say this again, and  docker compose up -d --force-recreate gateway.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
key() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
[ -s secrets/gateway.env ] || printf 'SANDBOX_KEY_PRIMARY=%s\nSANDBOX_KEY_SECONDARY=%s\n' "$(key)" "$(key)" >secrets/gateway.env
[ -e secrets/green.env ] || printf 'TOKEN=\n' >secrets/green.env
if grep -q '=$' secrets/green.env; then echo "fill in secrets/green.env" >&2; exit 1; fi
