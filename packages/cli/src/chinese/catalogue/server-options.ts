import type { Catalogue } from '../translator.js';

/** Options and commands of the server. */
export const SERVER_OPTIONS: Catalogue = {
  'The far end of the tunnel: accepts WebSockets, dials what its clients ask for.':
    '隧道的远端：接受 WebSocket，连接客户端请求的目标。',
  'where to accept clients (127.0.0.1:8080)': '接受客户端的地址 (127.0.0.1:8080)',
  'where to accept WebSockets: [host:]port, unix:/path, or systemd for its socket':
    '接受 WebSocket 的地址：[host:]port、unix:/path，或 systemd 表示用它的套接字',
  'one process alone': '单个进程',
  'serve from so many processes, or auto': '用多少个进程服务，或 auto',
  'serve from that many processes behind one that listens, or auto for one a core; SIGUSR2 then exchanges them, and nobody notices (docs/deploy.md)':
    '由一个进程监听，用这么多工作进程服务，auto 为每核一个；SIGUSR2 无感替换它们 (docs/deploy.md)',
  'path of the URL (/)': 'URL 的路径 (/)',
  'the one path that is served, anything else is 404': '唯一提供服务的路径，其他一律 404',
  'serve TLS: the certificate chain': '启用 TLS：证书链',
  'serve TLS with this certificate chain in PEM form; read again when it changes':
    '用此 PEM 证书链启用 TLS；有变化时重新读取',
  'serve TLS: its key': '启用 TLS：证书的私钥',
  'its key': '证书的私钥',
  'let in only clients that have a certificate of this authority': '只允许持有该 CA 所发证书的客户端',
  'and none whose certificate it has revoked: its revocation list in PEM form':
    '并拒绝已吊销的证书：该 CA 的 PEM 吊销列表',
  'static files to show to everybody without a token, in place of 401 and 404':
    '给没有令牌的人看的静态文件，代替 401 和 404',
  'page whose scripts may connect, such as https://example.org': '允许其脚本连接的网页，如 https://example.org',
  'a second path, on which a POST with a token gets a ticket: it lets in a page of --allow-origin once, within 30 s (docs/users.md)':
    '第二个路径：带令牌的 POST 在此取得票据，凭它 --allow-origin 的网页可在 30 秒内进入一次 (docs/users.md)',
  'a path such as /wisp/, below which clients that speak Wisp (v86, libcurl.js, epoxy) come in by wisp tokens of --users (docs/wisp.md)':
    '如 /wisp/ 的路径：使用 Wisp 的客户端 (v86、libcurl.js、epoxy) 凭 --users 中的 wisp 令牌由此进入 (docs/wisp.md)',
  'with --wisp: what clients of Wisp 2 show to people': '配合 --wisp：Wisp 2 客户端显示给人看的文字',
  'a token that opens something else than the tunnel: --wisp': '不用于隧道的令牌：--wisp',
  'whose X-Forwarded-For to believe': '信任谁的 X-Forwarded-For',
  'whose X-Forwarded-For to believe, such as 10.0.0.0/8, or unix': '信任谁的 X-Forwarded-For，如 10.0.0.0/8 或 unix',
  'file with users, tokens, rules and limits': '用户、令牌、规则和限额文件',
  'file with the users, their tokens, rules and limits (docs/users.md); read again on SIGHUP and when it changes':
    '用户及其令牌、规则和限额的文件 (docs/users.md)；收到 SIGHUP 或有变化时重新读取',
  'file with the token, or WSPROXY_TOKEN': '令牌文件，或 WSPROXY_TOKEN',
  'file with the token of the one user there is, or several, one a line; read again on SIGHUP and when it changes':
    '唯一用户的令牌文件，可有多个，每行一个；收到 SIGHUP 或有变化时重新读取',
  'says who makes a request, in place of token and users': '判断请求来自谁，代替 token 和 users',
  'open destinations that are closed': '开放默认关闭的目标',
  'open destinations that are denied by default: 10.1.0.0/16:5432, 10.1.0.9:53/udp (docs/policy.md)':
    '开放默认拒绝的目标：10.1.0.0/16:5432、10.1.0.9:53/udp (docs/policy.md)',
  'close destinations': '关闭目标',
  "close destinations, even those that are allowed: 203.0.113.7, '*.example.org'; '*' closes all that --allow does not name":
    "关闭目标，优先于一切允许：203.0.113.7、'*.example.org'；'*' 关闭 --allow 没有列出的全部目标",
  'open private addresses': '开放私有地址',
  'allow destinations on loopback, private and link-local addresses': '允许回环、私有和链路本地地址的目标',
  'open ports that are denied by default, which is 25': '开放默认拒绝的端口，即 25',
  'the rules decide': '由规则决定',
  'is asked about each address that the rules allow': '规则允许的每个地址都会询问它',
  'reaches destinations': '连接目标',
  'true; with a dialer, false': 'true；有 dialer 时为 false',
  'says whether the server may serve a flow of datagrams (UDP)': '决定服务器可否服务某个数据报流 (UDP)',
  'serve clients by WebSocket alone, and none by ordinary requests, which pass where WebSockets are blocked':
    '只通过 WebSocket 服务客户端，不接受普通 HTTP 请求（WebSocket 被阻断时普通请求仍可通过）',
  'carry no datagrams (UDP)': '不转发数据报 (UDP)',
  "whose datagrams reach an application: those of addresses it has sent to, of addresses and ports, or anybody's":
    '谁的数据报可到达应用：它发过的地址、发过的地址和端口，或任何人',
  'let clients listen here (-R)': '允许客户端在此监听 (-R)',
  'let clients listen on ports of this server, which lead to services of the clients (-R)':
    '允许客户端在本服务器的端口上监听，通往客户端的服务 (-R)',
  '127.0.0.1:1024-65535 and [::1]:1024-65535': '127.0.0.1:1024-65535 和 [::1]:1024-65535',
  'where clients may listen: 127.0.0.1:8000-8099, 0.0.0.0:443, unix:/run/wsproxy/*, http:*.example.org (docs/policy.md)':
    '客户端可在哪里监听：127.0.0.1:8000-8099、0.0.0.0:443、unix:/run/wsproxy/*、http:*.example.org (docs/policy.md)',
  'with --reverse: one port for many host names, HTTP and TLS (-R http:..., -R tls:..., docs/reverse-http.md); off unless given; unix:/path works too':
    '配合 --reverse：一个端口供多个主机名使用，HTTP 和 TLS (-R http:...、-R tls:...，docs/reverse-http.md)；不给则关闭；也可用 unix:/path',
  'is asked about each remote listener that the rules allow': '规则允许的每个远程监听都会询问它',
  'reach every destination through a proxy, and carry no UDP: socks5://user:password@host:port or http://...; a password is safer in a --config file':
    '经代理连接所有目标，不转发 UDP：socks5://user:password@host:port 或 http://...；密码写在 --config 文件里更安全',
  'dial from this address, one of IPv4 and one of IPv6': '从此地址发起连接，IPv4 和 IPv6 各一个',
  'as names are answered': '按名称解析的次序',
  'dial this family first': '优先用此地址族',
  'ask this nameserver, an address with or without a port, in place of the system':
    '使用此 DNS 服务器 (地址，可带端口)，不用系统的',
  'how long connections survive without a way to the client': '连不上客户端时，连接保留多久',
  'how long running connections may take to finish after SIGTERM or SIGINT':
    '收到 SIGTERM 或 SIGINT 后，给正在进行的连接多久来结束',
  'with --workers: how long those that were exchanged keep the connections that they have, before --drain counts':
    '配合 --workers：被替换的工作进程保留已有连接多久，之后再按 --drain 计时',
  'serve metrics, health and sessions': '提供指标、健康检查和会话',
  'where to serve /metrics, /healthz, /readyz and /sessions; off unless given; unix:/path works too':
    '提供 /metrics、/healthz、/readyz 和 /sessions 的地址；不给则关闭；也可用 unix:/path',
  'name that the pages of --admin and --health may be asked by besides, such as that of a container':
    '访问 --admin 和 --health 页面时还可用的主机名，如容器名',
  'where to serve /healthz and /readyz besides, for probes: no flood of the other ports reaches it; unix:/path works too':
    '另外提供 /healthz 和 /readyz 的地址，供探针使用：其他端口的洪水影响不到它；也可用 unix:/path',
  'a restart forgets them': '重启后清零',
  'keep the bytes of the month of each user in this file, made if it is missing (docs/limits.md)':
    '把每个用户当月的字节数保存在此文件，不存在则创建 (docs/limits.md)',
  none: '无',
  'stands as `server` in every line of the log, where there are several servers':
    '有多台服务器时，作为 `server` 出现在每行日志中',
  'the host name': '主机名',
  'what clients, and other servers of a cluster, call this server: 1 to 32 of a-z, 0-9 and -':
    '客户端和集群中其他服务器如何称呼本服务器：1 到 32 个 a-z、0-9 和 - 字符',
  'where the other servers of a cluster bring clients that come back for a session here, over TLS; takes --node, --cluster-cert, --cluster-key and --cluster-ca':
    '集群中其他服务器经 TLS 把回来恢复会话的客户端转到这里的地址；需要 --node、--cluster-cert、--cluster-key 和 --cluster-ca',
  'a server of the cluster: its --node, and where its --cluster-listen is reached; all may have the same list':
    '集群中的一台服务器：它的 --node，以及其 --cluster-listen 的可达地址；各服务器可用同一份列表',
  'certificate by which the servers of a cluster know each other; read again when it changes':
    '集群中的服务器相互识别用的证书；有变化时重新读取',
  'the authority that has issued it and those of the other servers, and nothing else: they trust each other':
    '签发它和其他服务器证书的 CA，不应签发别的：它们相互信任',
  'a Valkey or Redis in which the servers of a cluster count limits together, and tell whose token was removed: redis://host:6379 or rediss://user:password@host:6379 (docs/store.md). A password is safer in a --config file':
    '一个 Valkey 或 Redis，集群中的服务器在其中合计限额，并通报谁的令牌已被删除：redis://host:6379 或 rediss://user:password@host:6379 (docs/store.md)。密码写在 --config 文件里更安全',
  'with --cluster: where the other servers reach --cluster-listen of this one, so that they need no --peer for it':
    '配合 --cluster：其他服务器在哪里访问本服务器的 --cluster-listen，这样它们无需为它写 --peer',
  'while the store is away: admit what is new up to the part of this server of each limit, or refuse it':
    '共享存储不可用时：在每项限额中属于本服务器的份额内接受新连接，或一律拒绝',
  'log no line per connection, and nothing of what users connect to': '不为每个连接写日志，也不记录用户连接了什么',
  'write the files of a new server': '写出一台新服务器的各个文件',
  'the name by which clients reach the server, such as proxy.example.org':
    '客户端访问服务器所用的名称，如 proxy.example.org',
  'the reverse proxy in front of the server; none: the server serves TLS itself':
    '服务器前面的反向代理；none：服务器自己提供 TLS',
  'one token for everybody': '所有人用同一个令牌',
  'a user, who gets a token': '一个用户，会得到令牌',
  'is told what happens': '得知发生的事',
  'make a token: prints it, then its line for --users': '生成令牌：先输出令牌，再输出写入 --users 的那一行',
  'check a users file, and put it into the store of --cluster in place of the one that is there':
    '检查用户文件，放入 --cluster 的共享存储，替换原有的',
  'as for --users': '同 --users',
  'print the users file that is in the store of --cluster': '输出 --cluster 的共享存储中的用户文件',
  'work with the users in the store of --cluster': '处理 --cluster 的共享存储中的用户',
  'each server has its own --users': '每台服务器用自己的 --users',
  'with --cluster: the users are those of wsproxy-server users put; this file, made if it is missing, is a copy for when the store is away (docs/users.md)':
    '配合 --cluster：用户由 wsproxy-server users put 放入；此文件是共享存储不可用时的副本，不存在则创建 (docs/users.md)',
  'who the token is for': '令牌给谁用',
  'its name in the log, beside other tokens of the user': '它在日志中的名称，与该用户的其他令牌区分',
  'such as 2027-01-31T18:00:00Z': '如 2027-01-31T18:00:00Z',
  'connections that have not shown a token yet': '尚未出示令牌的连接数',
  'time for a connection to become a WebSocket': '连接升级为 WebSocket 的时限',
  'sessions at a time': '同时的会话数',
  'sessions of one user at a time; auto: 8, or 32 where pages come in by tickets or Wisp':
    '一个用户同时的会话数；auto：8，网页凭票据或 Wisp 接入时为 32',
  'connections to destinations at a time': '同时到目标的连接数',
  'connections of one session to destinations at a time': '一个会话同时到目标的连接数',
  'flows of datagrams (UDP) of one user at a time': '一个用户同时的数据报流 (UDP) 数',
  'the same of one session': '同上，按一个会话计',
  'destinations that the flows of one session may begin to send to each second, on average':
    '一个会话的数据报流平均每秒可新增的目标数',
  'the same at once, before the rate counts': '同上，在限速前一次可有的数目',
  'datagrams that may come for one user each second; a flow is ended after 5s of more':
    '每秒可到达一个用户的数据报数；超过 5s 则结束该流',
  'time after which a silent flow is ended; 10s at most if it has asked nameservers alone':
    '数据报流静默多久后结束；只查询过 DNS 的最多 10s',
  'remote listeners of one user at a time': '一个用户同时的远程监听数',
  'connections that wait at a remote listener until its client answers; one more is reset':
    '在一个远程监听上等待客户端应答的连接数；再多的被重置',
  'dials of one user that may fail each second, on average; further ones wait':
    '一个用户平均每秒可失败的拨号数；再多的要等待',
  'dials of one user that may fail at once, before the rate counts': '一个用户在限速前可一次失败的拨号数',
  'connections of one session being dialled; more wait': '一个会话正在拨号的连接数；再多的要等待',
  'time for dialling, name lookup included; to wait for it, as long again':
    '拨号时限，含名称解析；等待拨号的时限与之相同',
  'time for looking a name up': '名称解析的时限',
  'names looked up at a time': '同时解析的名称数',
  'memory for the data of all connections': '所有连接的数据所用内存',
  'the same for those of one session': '同上，按一个会话计',
  'sockets of clients and destinations; auto: 90 % of the descriptors (ulimit -n), 32 spare':
    '客户端和目标的套接字数；auto：文件描述符 (ulimit -n) 的 90 %，留 32 个',
  'local ports left behind towards one destination; auto: what the system has':
    '到一个目标所遗留的本地端口数；auto：系统所有的',
  'time after which a silent connection is reset': '连接静默多久后重置',
  'the same once one side has ended': '同上，一端已结束时',
  'silence of a destination before TCP asks for it': '目标静默多久后由 TCP 探测',
  'bytes a second from one user to destinations': '一个用户到目标的每秒字节数',
  'bytes a second from destinations to one user': '目标到一个用户的每秒字节数',
  'bytes of one user in a calendar month, both ways (--quota-file)': '一个用户每个自然月的字节数，双向 (--quota-file)',
};
