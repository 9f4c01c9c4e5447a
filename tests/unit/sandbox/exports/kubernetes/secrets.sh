#!/bin/sh
# Makes what must not stand in the other files, in secrets/, readable by you alone (0600). What is there is kept.
#   secrets/primary, secondary   the keys; either opens the endpoint
# New keys: remove the files, say this again; pods read the new ones within a minute or two.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
key() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
[ -s secrets/primary ] || key >secrets/primary
[ -s secrets/secondary ] || key >secrets/secondary
[ -e secrets/green.env ] || printf 'TOKEN=\n' >secrets/green.env
if grep -q '=$' secrets/green.env; then echo "fill in secrets/green.env" >&2; exit 1; fi
kubectl create secret generic shop-keys --from-file=primary=secrets/primary --from-file=secondary=secrets/secondary --dry-run=client -o yaml | kubectl apply -f -
kubectl create secret generic shop-green-variables --from-env-file=secrets/green.env --dry-run=client -o yaml | kubectl apply -f -
