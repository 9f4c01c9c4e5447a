#!/bin/sh
# Makes what must not stand in the other files, in secrets/, readable by you alone (0600). What is there is kept.
#   secrets/primary, secondary   the keys; either opens the endpoint
# New keys: remove the files, say this again with KEYS=2, 3 ... , then deploy with it; from then on it has to be said at each deploy.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
key() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
[ -s secrets/primary ] || key >secrets/primary
[ -s secrets/secondary ] || key >secrets/secondary
[ -e secrets/green.env ] || printf 'TOKEN=\n' >secrets/green.env
if grep -q '=$' secrets/green.env; then echo "fill in secrets/green.env" >&2; exit 1; fi
docker secret inspect "shop-primary-${KEYS:-1}" >/dev/null 2>&1 || docker secret create "shop-primary-${KEYS:-1}" secrets/primary >/dev/null
docker secret inspect "shop-secondary-${KEYS:-1}" >/dev/null 2>&1 || docker secret create "shop-secondary-${KEYS:-1}" secrets/secondary >/dev/null
