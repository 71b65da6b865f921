#!/bin/sh
# Makes the secrets of one deployment under deploy/secrets/ (never committed): Redis passwords, the seal key and, for a trial,
# a local key set with its private key. Existing files are kept: losing seal.key makes every record unverifiable. Run it again
# after putting files there: it lets the containers read them.
# usage: sh deploy/make-secrets.sh
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets/assessment secrets/planner secrets/console
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
      printf %s "redis://$name:$password@redis:6379/0" >"$name/MYOPLAN_REDIS_URL"
    done
  } >users.acl
fi
# Always there, because what is mounted and missing would be made as a folder.
[ -s keys.json ] || echo '{"keys": []}' >keys.json
[ -e planner/follow.tokens ] || : >planner/follow.tokens
if ! grep -q '"kty"' keys.json; then
  echo "keys.json is empty: put your identity provider's key set there (or set MYOPLAN_KEY_SET to its address), or make local keys with" >&2
  echo "  ./run myoplan token --keys deploy/secrets" >&2
fi
if [ ! -s planner/follow.tokens ]; then
  echo "planner/follow.tokens is empty: the planner will not notice changed assessments by itself. Put a token of role system for each" >&2
  echo "clinic there, one a line; with local keys: ./run myoplan token --keys deploy/secrets --role system --person planner \\" >&2
  echo "  --clinic CLINIC --minutes 1440 > deploy/secrets/planner/follow.tokens" >&2
fi
# The containers read these as other users; the folder around them stays private to you.
chmod 755 assessment planner console
chmod 644 users.acl seal.key keys.json
find assessment planner console -type f -exec chmod 644 {} +
echo "secrets are in deploy/secrets/"
