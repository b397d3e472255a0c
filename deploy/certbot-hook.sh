#!/bin/sh
# For certbot, which runs it whenever it has a new certificate: wsproxy-server cannot read /etc/letsencrypt, so it gets a copy
# that root and the group wsproxy can read. Install as /usr/local/sbin/wsproxy-certificate, mode 755 (docs/deploy.md).
set -eu
for file in fullchain.pem privkey.pem; do
  # Beside its place first: the server, which looks every second, never sees half of it.
  install -m 640 -g wsproxy "$RENEWED_LINEAGE/$file" "/etc/wsproxy/$file.new"
  mv "/etc/wsproxy/$file.new" "/etc/wsproxy/$file"
done
