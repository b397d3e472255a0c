/** Something hostile or faulty, and the test of what comes of it, or why there is none. */
export type Row = {
  readonly what: string;
} & (
  | {
      /** A file with tests, or with a scenario of `npm run test:faults`. */
      readonly file: string;
      /** Words of the test's title, if it does not begin with the name of the row. */
      readonly title?: string;
    }
  | { readonly why: string }
);

/** Every row has a letter for its place and a number; tests begin their titles with it. Numbers may be left out. */
export const ROWS: Readonly<Record<string, Row>> = {
  // A: SOCKS5 on the local port
  A1: { what: 'connect, send nothing', file: 'packages/node/test/accept/local-port.test.ts' },
  A2: { what: '05 then silence', file: 'packages/node/test/accept/local-port.test.ts' },
  A3: { what: 'one byte per second (valid request)', file: 'packages/node/test/accept/local-port.test.ts' },
  A5: { what: '05 00 (zero methods)', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  A6: { what: '05 FF + 255 methods without 00', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  A7: { what: '05 01 02 while no password configured', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  A8: { what: 'password configured, client offers only 00', file: 'test/hostile/passwords.test.ts' },
  A10: { what: 'password sub-negotiation version ≠ 1', file: 'test/hostile/passwords.test.ts' },
  A11: { what: 'ULEN 0 or PLEN 0', file: 'test/hostile/passwords.test.ts' },
  A12: { what: 'ULEN 255 + PLEN 255, correct', file: 'test/hostile/passwords.test.ts' },
  A13: { what: 'wrong password', file: 'test/hostile/passwords.test.ts' },
  A15: { what: '04 request while SOCKS4 off', file: 'test/hostile/passwords.test.ts' },
  A16: { what: 'VER in request 04 after greeting 05', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  A17: { what: 'CMD 02 (BIND)', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  A18: { what: 'CMD 03 (UDP ASSOCIATE)', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  A19: { what: 'CMD 00, F0, F1, FF', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  A21: { what: 'ATYP 00, 02, 05', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  A22: { what: 'ATYP 3 LEN 0', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  A24: {
    what: 'ATYP 3 host = 127.0.0.1, ::1, [::1] (Chromium sends literals this way)',
    file: 'packages/node/test/accept/socks/socks-listener.test.ts',
  },
  A25: {
    what: 'ATYP 3 with NUL, CR LF, space, %00, é bytes',
    file: 'packages/node/test/accept/socks/socks-listener.test.ts',
  },
  A27: { what: 'port 0', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  A30: { what: '64 KiB of random bytes ×1000', file: 'packages/node/test/accept/local-port.test.ts' },
  // B: SOCKS4 and 4a
  B1: { what: 'valid 4 / 4a request (if enabled)', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  B3: { what: '4a host > 255 or without NUL', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  B4: { what: '0.0.0.0 as address (not 0.0.0.x)', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  B5: { what: 'CMD BIND', file: 'packages/node/test/accept/socks/socks-listener.test.ts' },
  // C: HTTP on the local port
  C1: {
    what: 'CONNECT host:443 HTTP/1.1 + ClientHello in same segment',
    file: 'packages/node/test/accept/http/http-connect.test.ts',
  },
  C3: {
    what: 'no port, host:, :443, :, host:0, host:65536, host:-1, host:+80, host:0x50, host:80abc, host: 80',
    file: 'packages/node/test/accept/http/http-connect.test.ts',
  },
  C4: {
    what: 'CONNECT  HTTP/1.1 (two spaces: Node parses URL=HTTP/1.1, version 0.9 )',
    file: 'packages/node/test/accept/http/http-connect.test.ts',
  },
  C5: {
    what: 'absolute-form, path, query, fragment, userinfo in target',
    file: 'packages/node/test/accept/http/http-connect.test.ts',
  },
  C7: {
    what: 'Host missing / different from target / duplicated',
    file: 'packages/node/test/accept/http/http-connect.test.ts',
  },
  C9: { what: 'NUL in target', file: 'packages/node/test/accept/http/http-connect.test.ts' },
  C10: {
    what: 'bare LF line ends, obs-fold, space before colon',
    file: 'packages/node/test/accept/http/http-connect.test.ts',
  },
  C11: {
    what: 'header block > 16 KiB; 2 000 headers; 16 KiB method',
    file: 'packages/node/test/accept/http/http-connect.test.ts',
  },
  C12: { what: 'slow header (1 byte/s)', file: 'packages/node/test/accept/local-port.test.ts' },
  C14: { what: 'rejected CONNECT + pipelined bytes', file: 'packages/node/test/accept/http/http-connect.test.ts' },
  C15: { what: '407 then same connection retried', file: 'test/hostile/passwords.test.ts' },
  C16: {
    what: 'Proxy-Authorization malformed: not base64, no colon, 64 KiB, two headers, wrong scheme',
    file: 'test/hostile/passwords.test.ts',
  },
  C17: {
    what: 'a plain request, which is forwarded',
    file: 'packages/node/test/accept/http/http-forward.test.ts',
    title: 'goes out in origin form',
  },
  C18: {
    what: 'GET http://127.0.0.1:1080/ (loop to ourselves)',
    file: 'packages/node/test/accept/http/http-listener.test.ts',
  },
  C19: { what: 'OPTIONS *, TRACE, PRI * HTTP/2.0', file: 'packages/node/test/accept/http/http-listener.test.ts' },
  C20: { what: 'TLS ClientHello to the port', file: 'packages/node/test/accept/local-port.test.ts' },
  C23: { what: 'destination refuses', file: 'packages/node/test/accept/http/http-connect.test.ts' },
  C24: {
    what: 'Upgrade: websocket on the proxy port (page)',
    file: 'packages/node/test/accept/http/http-listener.test.ts',
  },
  C25: { what: 'Expect: 100-continue on CONNECT', file: 'packages/node/test/accept/http/http-connect.test.ts' },
  // D: a web page against the local port
  D1: { what: 'a fetch of a page', file: 'packages/node/test/accept/http/http-listener.test.ts' },
  D3: { what: 'POST body starting 05 01 00 …', file: 'packages/node/test/accept/http/http-listener.test.ts' },
  D4: { what: 'a WebSocket of a page', file: 'packages/node/test/accept/http/http-listener.test.ts' },
  D6: { what: '500 parallel <img>', file: 'test/hostile/local-pages.test.ts' },
  D7: { what: 'page reads timing of open/closed', file: 'test/hostile/local-pages.test.ts' },
  D8: { what: "page → server's public URL with Origin", file: 'test/hostile/websocket-upgrade.test.ts' },
  // E: the WebSocket layer
  E1: { what: 'GET without Upgrade', file: 'test/hostile/websocket-upgrade.test.ts' },
  E2: { what: 'POST upgrade / version 12 / no key', file: 'test/hostile/websocket-upgrade.test.ts' },
  E3: { what: 'missing or unknown subprotocol wsproxy.v1', file: 'test/hostile/websocket-upgrade.test.ts' },
  E4: { what: 'no/wrong token', file: 'test/hostile/websocket-upgrade.test.ts' },
  E5: { what: 'text frame', file: 'test/hostile/bad-server.test.ts' },
  E6: { what: 'unmasked frame from client', file: 'test/hostile/bad-server.test.ts' },
  E8: { what: 'opcode 3–7, B–F', file: 'test/hostile/bad-server.test.ts' },
  E9: {
    what: 'continuation without start; new data inside a fragmented message',
    file: 'test/hostile/bad-server.test.ts',
  },
  E10: { what: 'a message said to be too long, or 2^62 bytes', file: 'test/hostile/bad-server.test.ts' },
  E11: { what: 'fragments summing above max', file: 'test/hostile/websocket-frames.test.ts' },
  E13: { what: 'ping > 125 bytes / fragmented ping', file: 'test/hostile/bad-server.test.ts' },
  E15: {
    what: 'close code 1005/1006/999/5000; 1-byte close; bad UTF-8 reason',
    file: 'test/hostile/websocket-frames.test.ts',
  },
  E16: { what: 'close with 4321', file: 'test/hostile/bad-server.test.ts' },
  E18: { what: 'permessage-deflate offered', file: 'test/hostile/bad-server.test.ts' },
  E19: { what: 'data after close frame', file: 'test/hostile/websocket-frames.test.ts' },
  E20: { what: 'peer never answers close', file: 'test/hostile/websocket-frames.test.ts' },
  E21: { what: 'TCP FIN without close frame', file: 'test/hostile/bad-server.test.ts' },
  E23: {
    what: 'server answers 200 / 301 / 403 HTML (captive portal, CDN error)',
    file: 'test/cli/first-connection.test.ts',
  },
  E24: { what: 'wrong Sec-WebSocket-Accept', file: 'test/cli/first-connection.test.ts' },
  E25: {
    what: 'fragments by the thousand',
    file: 'packages/server/test/gateway/gateway-limits.test.ts',
    title: 'by too many fragments is closed',
  },
  // F: frames
  F1: { what: 'truncated header, length field ≠ message length, trailing bytes', file: 'test/hostile/frames.test.ts' },
  F2: { what: 'unknown frame type / flag', file: 'test/hostile/bad-server.test.ts' },
  F3: { what: 'unknown protocol version in HELLO', file: 'test/hostile/frames.test.ts' },
  F4: { what: 'HELLO twice / data before HELLO', file: 'test/hostile/bad-server.test.ts' },
  F5: { what: 'OPEN with an id already open', file: 'test/hostile/frames.test.ts' },
  F6: { what: 'OPEN with wrong parity / id 0 / decreasing id', file: 'test/hostile/bad-server.test.ts' },
  F7: { what: 'the last channel number there is', file: 'test/hostile/frames.test.ts' },
  F8: { what: 'OPEN with 70 000-byte host, empty host, port 0', file: 'test/hostile/frames.test.ts' },
  F10: { what: 'DATA beyond window on an open channel', file: 'test/hostile/frames.test.ts' },
  F11: { what: 'DATA/WINDOW/FIN for a channel never opened', file: 'test/hostile/bad-server.test.ts' },
  F12: { what: 'same for one recently closed', file: 'test/hostile/frames.test.ts' },
  F13: { what: 'acknowledgements and windows beyond what can be', file: 'test/hostile/frames.test.ts' },
  F14: { what: 'FIN twice / RESET twice / RESET after FIN+FIN', file: 'test/hostile/frames.test.ts' },
  F16: { what: 'a hundred thousand WINDOWs', file: 'test/hostile/frames.test.ts' },
  F18: {
    what: '1 024 channels with 256 KiB each, reader never reads',
    file: 'packages/engine/test/session/flow-control.test.ts',
  },
  F19: { what: 'one channel unread, others active', file: 'packages/engine/test/session/flow-control.test.ts' },
  F20: { what: 'mutations of a good conversation', file: 'test/hostile/mutations.test.ts' },
  F21: { what: 'replayed frames after resume with offset < acked', file: 'test/hostile/dishonest-resumes.test.ts' },
  F22: { what: 'a RESET with a code of a later version', file: 'test/hostile/frames.test.ts' },
  F23: { what: 'a resume after the grace', file: 'test/hostile/dishonest-resumes.test.ts' },
  F24: { what: 'an attempt to resume that is not newer than the last', file: 'test/hostile/dishonest-resumes.test.ts' },
  F25: { what: 'GOAWAY then OPEN', file: 'test/hostile/frames.test.ts' },
  F26: { what: 'channels opened and reset by the thousand', file: 'test/hostile/frames.test.ts' },
  F27: { what: 'guesses at the secret of a session', file: 'test/hostile/dishonest-resumes.test.ts' },
  // G: secrets
  G1: { what: 'start without token', file: 'test/hostile/secrets-stay-secret.test.ts' },
  G2: { what: 'each place of the token alone', file: 'test/hostile/secrets-stay-secret.test.ts' },
  G3: {
    what: 'empty token file, blank lines, CRLF, BOM, trailing spaces',
    file: 'test/hostile/secrets-stay-secret.test.ts',
  },
  G4: { what: 'token file 0644', file: 'test/hostile/secrets-stay-secret.test.ts' },
  G5: { what: 'token shorter than 32 chars', file: 'test/hostile/secrets-stay-secret.test.ts' },
  G6: {
    what: 'secrets in logs, in the list of processes, on admin pages',
    file: 'test/hostile/secrets-stay-secret.test.ts',
  },
  G7: { what: '100 k guesses, timing by length of common prefix', file: 'test/faults/scenarios/guesses.ts' },
  G8: { what: 'token in query string', file: 'test/hostile/secrets-stay-secret.test.ts' },
  G10: { what: 'a user removed from the file', file: 'test/server/users.test.ts' },
  G11: { what: 'the id of a session without its secret', file: 'test/hostile/dishonest-resumes.test.ts' },
  G13: { what: 'client configured ws:// to non-loopback', file: 'test/cli/wrong-usage.test.ts' },
  G14: { what: 'TLS: expired, wrong host, self-signed, TLS 1.0', file: 'test/cli/first-connection.test.ts' },
  // H: names and addresses
  H1: { what: 'every spelling of a local address', file: 'test/hostile/ssrf.test.ts' },
  H2: { what: 'name → 127.0.0.1, 10.x, 169.254.169.254, fd00::, ::ffff:10.0.0.1', file: 'test/hostile/ssrf.test.ts' },
  H4: { what: 'TTL 0 name alternating public/private (rebinding) 10 000×', file: 'test/hostile/ssrf.test.ts' },
  H5: { what: 'CNAME chain to a private name, 20 long, loop', file: 'test/hostile/ssrf.test.ts' },
  H6: { what: 'NXDOMAIN / SERVFAIL / NODATA / truncated / garbage', file: 'test/hostile/ssrf.test.ts' },
  H7: { what: 'resolver silent', file: 'test/server/dns.test.ts' },
  H8: { what: 'resolver slow 3 s', file: 'test/server/dns.test.ts' },
  H10: {
    what: 'name with _, trailing dot, upper case, 63/64-byte label, punycode, raw UTF-8',
    file: 'test/hostile/ssrf.test.ts',
  },
  H11: {
    what: "localhost, foo.localhost, *.internal, metadata.google.internal, server's own host name",
    file: 'test/hostile/ssrf.test.ts',
  },
  H12: {
    what: '/etc/hosts override on the server',
    file: 'packages/node/test/dial/names/lookup.test.ts',
    title: 'believes the hosts file first',
  },
  H13: {
    what: 'IPv6-only server, IPv4-only destination and reverse',
    file: 'packages/node/test/dial/dial.test.ts',
    title: 'falls back to the other family',
  },
  H15: { what: "server's own public IP:443 (loop)", file: 'test/hostile/ssrf.test.ts' },
  // I: destinations
  I1: { what: 'RST after accept', file: 'test/hostile/destinations.test.ts' },
  I4: { what: 'both FIN at once', file: 'test/hostile/destinations.test.ts' },
  I5: {
    what: 'zero window for 10 min',
    file: 'test/e2e/stopped-reader.test.ts',
    title: 'one channel whose reader has stopped costs its window',
  },
  I6: { what: '1 byte/s for 10 min', file: 'test/hostile/destinations.test.ts' },
  I8: {
    what: 'accept never (SYN dropped)',
    file: 'test/e2e/replies.test.ts',
    title: 'is 06 and 504 when the destination does not answer for 10 s',
  },
  I9: { what: 'connection accepted, never a byte', file: 'test/hostile/destinations.test.ts' },
  I10: {
    what: 'ICMP unreachable/admin prohibited',
    file: 'packages/node/test/targets/dial-failure.test.ts',
    title: 'EHOSTUNREACH',
  },
  I11: { what: 'out-of-band (URG) data', file: 'test/hostile/destinations.test.ts' },
  I12: {
    what: '100 k short connections (TIME_WAIT)',
    file: 'test/faults/scenarios/soak.ts',
    title: 'a million short channels',
  },
  // J: the network between the two ends
  J1: { what: 'RST on the tunnel (ss -K) during transfer', file: 'test/faults/scenarios/kills.ts', title: 'reset' },
  J2: { what: 'FIN from reverse proxy', file: 'test/faults/scenarios/kills.ts', title: 'end' },
  J3: {
    what: 'black hole (drop all, no RST) 5 s on/2 s off',
    file: 'test/faults/scenarios/outages.ts',
    title: 'a black hole, 5 s on and 2 s off',
  },
  J4: {
    what: 'a black hole longer than the grace',
    file: 'test/resume/outage.test.ts',
    title: 'resets every channel once, at both ends, and not before',
  },
  J6: {
    what: 'client IP/port change (NAT rebinding)',
    file: 'test/resume/hundred-kills.test.ts',
    title: 'do not notice that their transport is killed',
  },
  J7: { what: 'RTT 1 500 ms, 1 Mbit/s', file: 'test/faults/scenarios/outages.ts' },
  J8: { what: 'loss 2 % / 30 %', file: 'test/faults/scenarios/wan.ts', title: 'losses of 0 to 5 %, and one of 30 %' },
  J9: {
    what: 'a reload of the reverse proxy',
    file: 'test/deploy/reverse-proxy.ts',
    title: 'a reload in the middle of a download costs a resume',
  },
  J10: {
    what: 'reverse proxy answers 502/503/429 for 60 s',
    file: 'test/cli/first-connection.test.ts',
    title: '503 Service Unavailable',
  },
  J13: { what: 'a byte changed on plain ws', file: 'test/faults/scenarios/outages.ts' },
  J14: {
    what: '1 000 clients reconnect at once after server restart',
    file: 'test/faults/scenarios/herd.ts',
    title: 'clients whose server is killed',
  },
  // K: processes and hosts
  K1: {
    what: 'kill -9 server, restart in 2 s',
    file: 'test/resume/restart.test.ts',
    title: 'a server that is killed and started again',
  },
  K2: {
    what: 'SIGTERM server with 100 transfers',
    file: 'test/resume/drain.test.ts',
    title: 'lets a hundred running downloads finish',
  },
  K3: {
    what: 'second SIGTERM/SIGINT',
    file: 'test/resume/drain.test.ts',
    title: 'ends at once with 143 when it is asked twice',
  },
  K4: { what: 'kill -9 client', file: 'test/hostile/killed-and-stopped-clients.test.ts' },
  K5: {
    what: 'SIGSTOP server 60 s, SIGCONT',
    file: 'test/faults/scenarios/processes.ts',
    title: 'either process stopped for 60 s',
  },
  K6: { what: 'SIGSTOP client 120 s', file: 'test/hostile/killed-and-stopped-clients.test.ts' },
  K7: {
    what: 'the machine has slept',
    file: 'packages/engine/test/session/heartbeat.test.ts',
    title: 'after the machine has slept',
  },
  K8: {
    what: 'wall clock ±1 h (faketime, date -s in a time-faked process)',
    file: 'test/faults/scenarios/processes.ts',
    title: 'the wall clock of either end set an hour ahead',
  },
  K10: {
    what: 'EMFILE during dial',
    file: 'test/server/beyond-the-limits.test.ts',
    title: '512 clients at a time, ten rounds',
  },
  K11: {
    what: 'ENOBUFS/ENOMEM, RLIMIT_AS, cgroup limit',
    why: 'memory is bounded by --max-memory (docs/limits.md); what the system takes beyond that ends the process, and is K1',
  },
  K14: {
    what: 'port already in use, no permission (<1024)',
    file: 'test/start/start.test.ts',
    title: 'ends with exit code 1 and one clear line when port %d is taken',
  },
  K15: {
    what: '::1 unavailable',
    why: 'loopback is 127.0.0.1 by default; ::1 is listened on only by whoever names it',
  },
  K16: {
    what: 'config reload with a broken file',
    file: 'test/server/users.test.ts',
    title: 'keeps the users of before when it is broken',
  },
  K17: {
    what: 'uncaught exception injected in one channel handler',
    file: 'packages/cli/test/run-program.test.ts',
    title: 'ends with 70 and asks for a report',
  },
  K18: { what: 'a million short channels', file: 'test/faults/scenarios/soak.ts', title: 'a million short channels' },
  K19: {
    what: 'version skew client N / server N−1 and back',
    file: 'test/hostile/frames.test.ts',
    title: 'F3 an unknown version is refused with 4002',
  },
  K20: { what: 'CPU starved (cpulimit/nice 19 hog)', file: 'test/faults/scenarios/processes.ts' },
  K21: {
    what: 'a log on a full disk, into a pipe that nobody reads, or that is gone',
    file: 'test/faults/scenarios/logs.ts',
    title: 'both logs on a disk that is full',
  },
  K22: {
    what: 'hardly any descriptors, at either end',
    file: 'test/faults/scenarios/load.ts',
    title: 'both ends with 64 descriptors',
  },
  // M: a user against the others
  M1: { what: 'one user at every limit, beside an honest one', file: 'test/hostile/noisy-neighbour.test.ts' },
  M2: {
    what: 'a limit of ten connections, and destinations that take nothing',
    file: 'test/hostile/noisy-neighbour.test.ts',
  },
  M3: { what: 'a new connection for each piece, at a rate', file: 'test/hostile/noisy-neighbour.test.ts' },
  M4: {
    what: 'resumes in a loop, at a rate, and nothing is acknowledged',
    file: 'test/hostile/noisy-neighbour.test.ts',
  },
  // L: strangers at the door
  L1: { what: 'crowds of eight kinds, at the address of an honest user', file: 'test/hostile/noisy-strangers.test.ts' },
  L2: {
    what: 'TLS handshakes that never end, or end and are followed by nothing',
    file: 'test/hostile/noisy-strangers.test.ts',
  },
  L3: { what: 'a WebSocket with the right token, and then nothing', file: 'test/hostile/noisy-strangers.test.ts' },
  L4: {
    what: 'crowds of monitors at the admin pages',
    file: 'packages/server/test/admin/crowd.test.ts',
    title: 'answer beside a crowd that comes again and again',
  },
  L5: {
    what: 'what Node or ws would answer by itself',
    file: 'packages/server/test/gateway/gateway.test.ts',
    title: 'is answered and closed',
  },
};
