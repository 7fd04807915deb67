#!/bin/sh
# Makes the passwords that docker-compose.yml names, in compose/secrets. What is there is left alone.
set -eu
cd "$(dirname "$0")"

mkdir -p secrets
# The folder keeps others out; the files are open, since each container reads them as a user of its own.
chmod 700 secrets
umask 022
for name in postgres grafana; do
  [ -s "secrets/$name" ] || LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 40 >"secrets/$name"
done
