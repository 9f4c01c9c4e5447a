#!/bin/sh
# Endpoint 'shop' as units of systemd: its gateway and its deployments, as containers of Docker.
# Written by: sandbox export systemd shop --image-prefix registry.example/team/shop
#
# Start:           sudo sh install.sh      (puts the files into /etc/endpoint-sandbox/shop and /etc/systemd/system)
# Ask:             . ./secrets/gateway.env
#                  curl -H "authorization: Bearer $SANDBOX_KEY_PRIMARY" http://127.0.0.1:8080/score -d @request.json
# Change traffic:  sandbox export systemd shop --image-prefix registry.example/team/shop --traffic "blue=50 green=50" && sudo sh install.sh
#                  It is taken over at once; nothing has to be started again.
# Changed units:   sudo systemctl restart 'shop-*'
# Look:            systemctl list-dependencies shop.target; journalctl -u 'shop-*'
# Stop:            sudo systemctl stop shop.target; for good: systemctl disable shop.target
#
# There is no TLS here: let a proxy that has it lead to port 8080.
# DESTDIR=folder installs below that folder and starts nothing.
set -eu
cd "$(dirname "$0")"
sh secrets.sh
place=${DESTDIR:-}/etc/endpoint-sandbox/shop
units=${DESTDIR:-}/etc/systemd/system
mkdir -p "$place/gateway" "$place/secrets" "$units"
chmod 755 "$place" "$place/gateway"
chmod 700 "$place/secrets"
for file in gateway/*.yaml; do # replaced as a whole, which Envoy notices
    cp "$file" "$place/$file.new"
    chmod 644 "$place/$file.new"
    mv "$place/$file.new" "$place/$file"
done
for file in secrets/*; do
    cp "$file" "$place/$file"
    chmod 600 "$place/$file"
done
[ ! -f "$place/units" ] || (cd "$units" && xargs rm -f <"$place/units")
ls units >"$place/units"
cp units/* "$units/"
[ -z "${DESTDIR:-}" ] || exit 0
systemctl daemon-reload
systemctl enable --quiet shop.target
systemctl start shop.target
