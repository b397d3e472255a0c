#!/bin/sh
# After the package wsproxy-server was unpacked. It starts nothing: there is no token yet, and a newer version would cut the
# connections that run.
set -e
getent group wsproxy >/dev/null || groupadd --system wsproxy
# Somebody may have removed the file: dpkg does not bring it back.
for path in /etc/wsproxy /etc/wsproxy/server.yaml; do
  [ ! -e $path ] || chgrp wsproxy $path
done
# A systemd that cannot be reached is no reason to leave the package half installed.
[ ! -d /run/systemd/system ] || systemctl daemon-reload || true
