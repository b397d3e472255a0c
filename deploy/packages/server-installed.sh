#!/bin/sh
# After the package wsproxy-server was unpacked. It starts nothing: there is no token yet, and a newer version would cut the
# connections that run.
set -e
getent group wsproxy >/dev/null || groupadd --system wsproxy
chgrp wsproxy /etc/wsproxy /etc/wsproxy/server.yaml
[ ! -d /run/systemd/system ] || systemctl daemon-reload
