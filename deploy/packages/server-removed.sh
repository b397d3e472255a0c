#!/bin/sh
# After wsproxy-server was removed. `purge` says dpkg; rpm has no such thing.
set -e
if [ "$1" = purge ]; then
  # dpkg removes server.yaml, and this removes what `wsproxy-server init` has written. Certificates and other files are not ours.
  for name in token users.yaml server.yaml Caddyfile nginx.conf haproxy.cfg certbot-hook.sh; do
    rm -f /etc/wsproxy/$name /etc/wsproxy/$name.old*
  done
  [ ! -d /etc/wsproxy ] || rmdir --ignore-fail-on-non-empty /etc/wsproxy
  # Beside a service of this machine's own it is that one's.
  [ -e /etc/systemd/system/wsproxy-server.service ] || rm -f /etc/systemd/system/wsproxy-server.socket
fi
# systemd forgets its units.
[ ! -d /run/systemd/system ] || systemctl daemon-reload || true
