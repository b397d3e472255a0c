// Made by: node scripts/deploy-files.js

/** deploy/packages/server.yaml */
export const SETTINGS = `# Settings of wsproxy-server, as \`wsproxy-server init\` writes them. Every long flag can be a setting (man wsproxy-server).
# \`wsproxy-server config check FILE\` reports mistakes in this file.
listen: 127.0.0.1:8080
path: /tunnel
# A file beside this one, which only the server may read.
token-file: token
# The reverse proxy on this machine.
trusted-proxy: 127.0.0.1
drain: 30s
log-format: json
`;

/** deploy/Caddyfile */
export const CADDY = `# Caddy (2.5 or newer) in front of wsproxy-server: it gets and renews the certificate by itself.
# Install as /etc/caddy/Caddyfile. Replace proxy.example.org, the path and the server's port by yours.
#
# No time-out is for WebSockets: Caddy sets none. HTTP/2 and HTTP/3, on by default, do no harm: WebSockets
# come by HTTP/1.1. Caddy replaces X-Forwarded-For by the address of the client, so a stranger cannot set it.
{
	# How long a reload or a stop waits for requests. WebSockets are not waited for: a reload closes them at once, and the
	# tunnel resumes.
	grace_period 10s

	# For the head of a request; by default a minute.
	servers {
		timeouts {
			read_header 10s
		}
	}
}

proxy.example.org {
	header -Server

	handle /tunnel {
		reverse_proxy 127.0.0.1:8080 {
			transport http {
				dial_timeout 5s
			}
		}
	}

	handle {
		respond 404
	}
}
`;

/** deploy/nginx.conf */
export const NGINX = `# nginx (1.19.4 or newer) in front of wsproxy-server: TLS here, the tunnel on one path, nothing else.
# Install as /etc/nginx/nginx.conf, or take the \`map\` and the \`server\` blocks into the configuration you have.
# Replace proxy.example.org, the certificate, the path and the server's port by yours.

user www-data;
worker_processes auto;

# A reload leaves old workers alive until their last connection ends, which for a tunnel may be weeks. After this time
# they cut it, and the tunnel resumes through a new worker. Without this line old workers pile up.
worker_shutdown_timeout 10s;

events {
    # Every tunnel is two connections: one from the client, one to wsproxy-server.
    worker_connections 4096;
}

http {
    access_log /var/log/nginx/access.log;
    server_tokens off;

    # For a TLS handshake and the head of a request; then between two pieces of a body. By default each is a minute.
    client_header_timeout 10s;
    client_body_timeout 10s;

    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:10m;
    ssl_session_timeout 1d;
    ssl_session_tickets off;

    # nginx drops these two header fields unless it is told to pass them on (RFC 9110 section 7.8).
    map $http_upgrade $connection_upgrade {
        default upgrade;
        ''      close;
    }

    # A stranger who asks for another name, or for none, only learns that there is TLS.
    server {
        listen 443 ssl default_server;
        listen [::]:443 ssl default_server;
        ssl_reject_handshake on;
    }

    # No http2: nginx does not take WebSockets over it (RFC 8441), and the client sends them by HTTP/1.1. It does no harm
    # where other sites on the same port need it.
    server {
        listen 443 ssl;
        listen [::]:443 ssl;
        server_name proxy.example.org;
        ssl_certificate /etc/letsencrypt/live/proxy.example.org/fullchain.pem;
        ssl_certificate_key /etc/letsencrypt/live/proxy.example.org/privkey.pem;

        location = /tunnel {
            proxy_pass http://127.0.0.1:8080;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header Host $host;
            # Replaced, not appended to: what a stranger writes there must not count.
            proxy_set_header X-Forwarded-For $remote_addr;

            # Once upgraded, these are idle time-outs. Both ends send a heartbeat every 15 s, so that only a tunnel that
            # is really dead runs into them.
            proxy_connect_timeout 5s;
            proxy_read_timeout 60s;
            proxy_send_timeout 60s;
            # For each direction of a tunnel; the default of 4 or 8 KiB costs time at high rates.
            proxy_buffer_size 32k;
            proxy_buffers 8 32k;
        }

        location / {
            return 404;
        }
    }

    server {
        listen 80;
        listen [::]:80;
        server_name proxy.example.org;
        # For the certificate: certbot certonly --webroot -w /var/www/html -d proxy.example.org
        location /.well-known/acme-challenge/ {
            root /var/www/html;
        }
        location / {
            return 404;
        }
    }
}
`;

/** deploy/haproxy.cfg */
export const HAPROXY = `# HAProxy (2.2 or newer) in front of wsproxy-server: TLS here, the tunnel on one path, nothing else.
# Install as /etc/haproxy/haproxy.cfg. Replace the certificate, the path and the server's port by yours. The file named after
# \`crt\` holds the certificate chain and, behind it, the private key.

global
    log /dev/log local0
    user haproxy
    group haproxy
    chroot /var/lib/haproxy
    maxconn 4096
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
    # A reload leaves the old process alive until its last connection ends, which for a tunnel may be weeks. After this time
    # it cuts it, and the tunnel resumes through the new process. Without this line old processes pile up.
    hard-stop-after 10s

defaults
    log global
    mode http
    option httplog
    option dontlognull
    timeout connect 5s
    # For the head of a request, and with the option for its body: a slow sender holds a connection no longer than this.
    timeout http-request 10s
    option http-buffer-request
    timeout http-keep-alive 10s
    timeout client 30s
    timeout server 30s
    # In place of the two above once a connection is a WebSocket. Both ends send a heartbeat every 15 s, so that only a tunnel
    # that is really dead runs into it.
    timeout tunnel 60s

frontend https
    # No h2 in alpn: WebSockets come by HTTP/1.1. With \`h2,http/1.1\`, for other sites on this port, the tunnel works as well.
    # Two lines: with v4v6 in one, X-Forwarded-For would say ::ffff:192.0.2.1.
    bind :443 ssl crt /etc/haproxy/certs/proxy.example.org.pem alpn http/1.1
    bind :::443 v6only ssl crt /etc/haproxy/certs/proxy.example.org.pem alpn http/1.1
    http-request return status 404 unless { path /tunnel }
    # Replaced, not appended to: what a stranger writes there must not count.
    http-request set-header X-Forwarded-For %[src]
    default_backend wsproxy

backend wsproxy
    server wsproxy 127.0.0.1:8080
`;

/** deploy/wsproxy-server.service */
export const SYSTEMD_UNIT = `# wsproxy-server under systemd (252 or newer). Install as /etc/systemd/system/wsproxy-server.service; the program in
# /opt/wsproxy-server, the token, for root and the group wsproxy, in /etc/wsproxy/token (docs/deploy.md). With many users,
# in place of --token-file: --users /etc/wsproxy/users.yaml

[Unit]
Description=wsproxy-server, the far end of a tunnel over WebSocket
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
ExecStart=/usr/bin/node /opt/wsproxy-server/bin/wsproxy-server.js --listen 127.0.0.1:8080 --path /tunnel --token-file /etc/wsproxy/token --trusted-proxy 127.0.0.1 --drain 30s --log-format json $FLAGS
# More flags than these, or others in their place: docs/deploy.md. A flag that comes again wins over the one before.
Environment=FLAGS=
# Reads the files of --token-file, --users and --tls-cert again, and ends nothing.
ExecReload=/bin/kill -HUP $MAINPID
# Who may read /etc/wsproxy. Not LoadCredential: that is a copy, made at every start, which no reload changes.
SupplementaryGroups=wsproxy

# SIGTERM lets running connections finish, for --drain at most; the time-out must be longer, or systemd cuts that short.
KillSignal=SIGTERM
TimeoutStopSec=45s
Restart=on-failure
RestartSec=1s
# Wrong usage: what is wrong now is wrong in a second as well.
RestartPreventExitStatus=2

# Every connection of every client is a descriptor here. Running out is felt as destinations that cannot be reached.
LimitNOFILE=65536
TasksMax=64

# A user of its own that exists only while the service runs. Nothing is written but the log, which is the journal's.
DynamicUser=yes
UMask=0077
# With --reverse, ports below 1024 take a capability, and Unix sockets a folder: docs/deploy.md
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# Unix sockets and netlink are for the name service, and for knowing this host's own addresses, which are never dialled.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# What is not allowed fails and does not kill: Node asks for more than it needs.
SystemCallErrorNumber=EPERM
# Not MemoryDenyWriteExecute=yes: V8 compiles JavaScript to machine code in memory that it first writes and then executes,
# and would crash at the start.

[Install]
WantedBy=multi-user.target
`;

/** deploy/wsproxy-server.socket */
export const SYSTEMD_SOCKET = `# Lets systemd listen, so that a restart of the server refuses no connection: those that come meanwhile wait. Install beside
# wsproxy-server.service, add \`--listen systemd\` to its FLAGS (docs/deploy.md), and run:
#   systemctl disable --now wsproxy-server.service && systemctl enable --now wsproxy-server.socket

[Unit]
Description=wsproxy-server, where reverse proxies reach it

[Socket]
ListenStream=127.0.0.1:8080
NoDelay=yes

[Install]
WantedBy=sockets.target
`;

/** deploy/certbot-hook.sh */
export const CERTBOT_HOOK = `#!/bin/sh
# For certbot, which runs it whenever it has a new certificate: wsproxy-server cannot read /etc/letsencrypt, so it gets a copy
# that root and the group wsproxy can read. Install as /usr/local/sbin/wsproxy-certificate, mode 755 (docs/deploy.md).
set -eu
for file in fullchain.pem privkey.pem; do
  # Beside its place first: the server, which looks every second, never sees half of it.
  install -m 640 -g wsproxy "$RENEWED_LINEAGE/$file" "/etc/wsproxy/$file.new"
  mv "/etc/wsproxy/$file.new" "/etc/wsproxy/$file"
done
`;
