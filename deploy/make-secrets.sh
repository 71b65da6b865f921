#!/bin/sh
# Makes the secrets of one deployment under deploy/secrets/ (never committed): Redis passwords, the seal key and, for a trial,
# a local key set with its private key. Existing files are kept: losing seal.key makes every record unverifiable.
# usage: sh deploy/make-secrets.sh
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
cd secrets

random_hex() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }

[ -s seal.key ] || head -c 32 /dev/urandom >seal.key
if [ ! -s users.acl ]; then
  {
    # Nobody can log in as default, but it keeps every right: Redis reads its append-only file back as this user, and without
    # rights it would skip every transaction in the file and start without the records.
    echo "user default off resetpass ~* &* +@all"
    for name in assessment planner; do
      password=$(random_hex 24)
      hash=$(printf %s "$password" | sha256sum | cut -d' ' -f1)
      # Only what the record store needs, only under the service's own prefix: no KEYS, FLUSH, CONFIG SET, DEBUG, SHUTDOWN.
      echo "user $name on #$hash ~$name:* resetchannels -@all $(cat ../redis/commands)"
      echo "MYOPLAN_REDIS_URL=redis://$name:$password@redis:6379/0" >"$name.env"
    done
  } >users.acl
fi
if [ ! -s keys.json ]; then
  echo "no keys.json yet: put your identity provider's key set there (or set MYOPLAN_KEY_SET to its address), or make local keys with" >&2
  echo "  ./run myoplan token --keys deploy/secrets" >&2
fi
if [ ! -s follow.tokens ]; then
  : >follow.tokens
  echo "follow.tokens is empty: the planner will not notice changed assessments by itself. Put a token of role system for each" >&2
  echo "clinic there, one a line; with local keys: ./run myoplan token --keys deploy/secrets --role system --person planner \\" >&2
  echo "  --clinic CLINIC --minutes 1440 >> deploy/secrets/follow.tokens" >&2
fi
mkdir -p console
if [ ! -s console.env ]; then
  {
    echo "# Local accounts; with an identity provider put MYOPLAN_CLIENT_ID and MYOPLAN_CLIENT_SECRET here instead."
    echo "MYOPLAN_ACCOUNTS=/run/myoplan/accounts.json"
    echo "MYOPLAN_SIGNING_KEY_FILE=/run/myoplan/private.pem"
  } >console.env
fi
# The containers read these as other users; the folder itself stays private to you.
chmod 644 users.acl seal.key follow.tokens
chmod 755 console
[ ! -e keys.json ] || chmod 644 keys.json
echo "secrets are in deploy/secrets/"
