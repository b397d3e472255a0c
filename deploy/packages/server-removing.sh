#!/bin/sh
# Before wsproxy-server is removed: `remove` says dpkg, 0 says rpm. A newer version is no reason to stop.
set -e
case $1 in
  remove | 0)
    # It fails where a unit is gone or systemd cannot be reached: the package is to go all the same.
    [ ! -d /run/systemd/system ] || systemctl disable --now wsproxy-server.service wsproxy-server.socket || true
    ;;
esac
