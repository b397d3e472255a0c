// Made by: node scripts/deploy-files.js

/** deploy/wsproxy-client.service */
export const SYSTEMD_UNIT = `# wsproxy-client for one user under systemd (252 or newer). Install as ~/.config/systemd/user/wsproxy-client.service; the
# program in /opt/wsproxy-client, what it is to do in ~/.config/wsproxy/client.yaml (docs/client.md).

[Unit]
Description=wsproxy-client, the near end of a tunnel over WebSocket

[Service]
Type=exec
ExecStart=/usr/bin/node /opt/wsproxy-client/bin/wsproxy-client.js
# Tries to reach the server at once, without the rest of a pause. The client reads a changed token file by itself.
ExecReload=/bin/kill -HUP $MAINPID

# A server that is away is waited for by the program itself. It ends when it must not go on, such as with a login page in
# place of the server: half a minute later that may have changed. What is wrong in the configuration (2) does not change.
Restart=on-failure
RestartSec=30s
RestartPreventExitStatus=2

# As much as a user may take away from a program of his own.
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
# Netlink is for the name service.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
# What is not allowed fails and does not kill: Node asks for more than it needs.
SystemCallErrorNumber=EPERM

[Install]
WantedBy=default.target
`;

/** deploy/org.wsproxy.client.plist */
export const LAUNCHD_LIST = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- wsproxy-client for one user under launchd. Install as ~/Library/LaunchAgents/org.wsproxy.client.plist, with your name
     in place of YOU (launchd knows no ~), and node where \`command -v node\` has it; the program in /opt/wsproxy-client, what
     it is to do in ~/.config/wsproxy/client.yaml (docs/client.md). -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>org.wsproxy.client</string>
  <key>ProgramArguments</key>
  <array>
    <string>/usr/local/bin/node</string>
    <string>/opt/wsproxy-client/bin/wsproxy-client.js</string>
  </array>
  <key>RunAtLoad</key>
  <true/>
  <!-- A server that is away is waited for by the program itself. Any other end but a wanted one may be over half a minute
       later, such as a login page in place of the server. -->
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
  <!-- 077: what it makes is for its user alone. -->
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardErrorPath</key>
  <string>/Users/YOU/Library/Logs/wsproxy-client.log</string>
</dict>
</plist>
`;
