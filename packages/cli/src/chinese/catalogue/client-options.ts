import type { Catalogue } from '../translator.js';

/** Options and commands of the client, and those of both programs. */
export const CLIENT_OPTIONS: Catalogue = {
  'from debug to error (info)': '从 debug 到 error (info)',
  'least important level to log': '要记录的最低级别',
  'for people or for machines': '给人看还是给程序读',
  'as LC_ALL, LC_MESSAGES or LANG says': '按 LC_ALL、LC_MESSAGES 或 LANG',
  'language of help, messages and log lines, English or Chinese; JSON is always in English':
    '帮助、消息和日志的语言，英文或中文；JSON 总是英文',
  'print help; --help all prints all': '显示本帮助；--help all 显示全部选项',
  'print the version': '显示版本',
  'print help': '显示帮助',
  'YAML file of flags; the command line wins (default: ~/.config/wsproxy/{1}.yaml)':
    'YAML 文件，可写这里的任何选项；命令行上的选项优先 (默认：~/.config/wsproxy/{1}.yaml，如果存在)',
  'work with the configuration file': '处理配置文件',
  'tell every mistake in a configuration file, with its line': '列出配置文件中的每个错误及其行号',
  'the file; default: what --config says': '文件；默认：--config 给出的文件',
  'print completion for a shell': '输出本程序的 shell 补全脚本',
  'which one': '哪一种 shell',
  'Offers SOCKS and HTTP proxying on a local port, and carries it over one WebSocket to a wsproxy-server.':
    '在本机端口提供 SOCKS 和 HTTP 代理，经一条 WebSocket 送到 wsproxy-server。',
  'say what is wrong, and what to do': '指出问题和解决办法',
  'set this client up, and try it': '设置本客户端并试用',
  'replace files that say something else, and keep each as FILE.old': '替换内容不同的文件，原文件存为 FILE.old',
  'the server; default: the first one of the configuration file': '服务器；默认：配置文件中的第一个',
  'the server: wss://host[:port]/path': '服务器：wss://host[:port]/path',
  'the server: wss://host[:port]/path; more of them serve while those before do not answer':
    '服务器：wss://host[:port]/path；可给多个，前面的没有应答时用后面的',
  'servers to use while those before them do not answer, in this order': '备用服务器，前面的没有应答时按此顺序使用',
  '127.0.0.1:1080 if there is no -L, -R or --control': '没有 -L、-R 或 --control 时为 127.0.0.1:1080',
  'SOCKS and HTTP proxy (port 1080)': 'SOCKS 和 HTTP 代理 (端口 1080)',
  'where to offer SOCKS5, SOCKS4a and HTTP proxying, or unix:/path':
    '提供 SOCKS5、SOCKS4a 和 HTTP 代理的地址，或 unix:/path',
  'a port here leads to one place': '本机端口通往一个目标',
  'carry what connects to [bind:]port or unix:/path to one destination; with /udp behind it, datagrams; ports may be ranges, 8000-8010:host:8000-8010':
    '把连到 [bind:]port 或 unix:/path 的连接送到一个目标；后面加 /udp 则转发数据报；端口可以是范围，8000-8010:host:8000-8010',
  'a port of the server leads to here': '服务器的端口通往本机',
  'have the server listen on [bind:]port; what connects there is carried to host:hostport as seen from here. [bind:]port alone is a SOCKS and HTTP proxy. Also ranges, port 0, /udp, /proxy-v2, paths: docs/reverse.md':
    '让服务器在 [bind:]port 监听；连到那里的连接送到从本机看到的 host:hostport。只写 [bind:]port 则为 SOCKS 和 HTTP 代理。还支持范围、端口 0、/udp、/proxy-v2、路径：docs/reverse.md',
  'tell the destination of each -R who connects, by the PROXY protocol; for one -R alone write /proxy-v2 behind it':
    '用 PROXY 协议告诉每个 -R 的目标是谁在连接；只用于某一个 -R 时，在它后面写 /proxy-v2',
  'what a -R with a port alone may dial from here, besides public addresses: 10.0.0.0/8, 192.168.1.7, each with or without :ports':
    '只写端口的 -R 除公网地址外还可从本机连接哪些地址：10.0.0.0/8、192.168.1.7，可带 :端口',
  'end with exit code 1 when the server refuses a -R at the start; without this, the client asks again later':
    '启动时服务器拒绝某个 -R 就以退出码 1 结束；否则客户端稍后再请求',
  'as ProxyCommand of ssh': '用作 ssh 的 ProxyCommand',
  'carry standard input and output to one destination, as for ProxyCommand of ssh, then exit':
    '把标准输入输出接到一个目标，结束后退出，用作 ssh 的 ProxyCommand',
  'Unix socket of a client that runs: it listens there, and -W goes through it, without a connection of its own':
    '正在运行的客户端的 Unix 套接字：客户端在此监听，-W 由它转发，不另建连接',
  'file with lines user:password or user:sha256:HEX, who alone may use --listen':
    '每行为 user:password 或 user:sha256:HEX 的文件，只有这些用户可以使用 --listen',
  'where SOCKS5 applications are told to send datagrams, for NAT and containers; 203.0.113.7:5000-5100 also says at which ports they are received':
    '告诉 SOCKS5 应用把数据报发到哪里，用于 NAT 和容器；203.0.113.7:5000-5100 还指定接收端口',
  'what to reach past the tunnel': '不走隧道、直接连接的目标',
  "what --listen dials from here, past the tunnel: printer.lan, '*.corp.example', 10.0.0.0/8, each with or without :ports":
    "--listen 不走隧道、从本机直接连接的目标：printer.lan、'*.corp.example'、10.0.0.0/8，可带 :端口",
  'page that shows the tunnel': '显示隧道状态的网页',
  'where to serve a status page for browsers, and proxy.pac; off unless given':
    '提供浏览器状态页和 proxy.pac 的地址；不给则关闭',
  'accepted, as ssh has it, and without effect': '为兼容 ssh 而接受，没有作用',
  'token (or WSPROXY_TOKEN)': '令牌 (或 WSPROXY_TOKEN)',
  'file with the token of the server, or one for each server; read again when it changes':
    '存放服务器令牌的文件，也可每个服务器一个；有变化时重新读取',
  'command for the shell that prints the token; asked again when the server refuses the one it gave':
    '输出令牌的 shell 命令；服务器拒绝该令牌时重新执行',
  'allow ws:// that leaves this machine, where everybody on the way can read the token':
    '允许用 ws:// 离开本机，途中任何人都能读到令牌',
  'HTTPS_PROXY, ALL_PROXY, NO_PROXY': 'HTTPS_PROXY、ALL_PROXY、NO_PROXY',
  'proxy on the way to the server': '通往服务器途中的代理',
  'reach the server through socks5:// or http://[user:password@]host:port, or none':
    '经 socks5:// 或 http://[user:password@]host:port 连接服务器，或 none',
  'add a header to the request': '在请求中加一个头',
  "Host header in place of the URL's host": '用它代替 URL 主机作为 Host 头',
  "name to ask for in TLS, and expect in the certificate, in place of the URL's host":
    '在 TLS 中请求、并应出现在证书中的名称，代替 URL 的主机',
  'authorities to trust in place of the built-in ones, PEM': '信任的 CA，代替内置的，PEM 格式',
  'client certificate, PEM': '客户端证书，PEM 格式',
  'its key, PEM': '它的私钥，PEM 格式',
  "the server's public key must be this": '服务器的公钥必须是它',
  'address of a name': '某个名称的地址',
  either: '任意',
  'version of IP to the server': '连接服务器用的 IP 版本',
  'reach the server over IPv4 only': '只用 IPv4 连接服务器',
  'reach the server over IPv6 only': '只用 IPv6 连接服务器',
  'how long connections survive without a way to the server': '连不上服务器时，连接保留多久',
  'silence after which either end sends something, {range}': '静默多久后由任一端发送心跳，{range}',
  'WebSockets to spread the connections over': '用几条 WebSocket 分担连接',
  'how to reach the server: by WebSocket (ws), by WebSocket over HTTP/2 (h2), by ordinary HTTP requests (http), or by what gets through, WebSocket first (auto)':
    '如何到达服务器：WebSocket (ws)、经 HTTP/2 的 WebSocket (h2)、普通 HTTP 请求 (http)，或哪种能通过就用哪种，先试 WebSocket (auto)',
  'answer applications before the destination was dialled; a failure is then a reset':
    '不等连上目标就答复应用；连接失败则表现为重置',
  silent: '不输出',
  'is given fields and a message for each line': '每行日志收到字段和消息',
  'a destination to reach through the tunnel': '要经隧道到达的目标',
  'measure for so long when a silent connection is cut, {range}': '测量静默连接多久被切断，最多测这么久，{range}',
  'leave out what takes long: throughput and heartbeat': '跳过费时的步骤：吞吐量和心跳',
  'bytes that measuring the throughput may move at most, both ways together': '测量吞吐量最多传输的字节数，双向合计',
  'gives up': '放弃',
  'print one JSON document instead of lines': '输出一个 JSON 文档，不逐行输出',
};
