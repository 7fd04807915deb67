#!/bin/sh
# Makes libpq's password file from the password that a secret holds, then becomes what it was asked to run.
set -eu

if [ -n "${POSTGRES_PASSWORD_FILE:-}" ] && [ -n "${PGPASSFILE:-}" ]; then
  # libpq takes no file that others may read, and wants : and \ escaped.
  umask 077
  password=$(sed 's/[\\:]/\\&/g' "$POSTGRES_PASSWORD_FILE")
  printf '*:*:*:*:%s\n' "$password" >"$PGPASSFILE"
fi

exec "$@"
