#!/bin/sh
# Secrets come as files named like their setting, and are in the environment of this process only: whoever looks at the
# container's description sees none.
set -eu
for file in "${SECRETS_FOLDER:-/run/secrets}"/*; do
    name=$(basename "$file")
    case $name in
        *[!A-Z0-9_]*) ;;
        *) [ ! -f "$file" ] || export "$name=$(cat "$file")" ;;
    esac
done
exec "$@"
