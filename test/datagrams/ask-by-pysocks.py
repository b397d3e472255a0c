# Sends datagrams through a SOCKS5 proxy with PySocks, and prints what comes back, from where:
#   ask-by-pysocks.py PROXY_PORT HOST PORT DATAGRAM...
import socket, sys, socks

proxy, host, port, *datagrams = sys.argv[1:]
asked = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
asked.set_proxy(socks.SOCKS5, '127.0.0.1', int(proxy))
asked.settimeout(5)
for datagram in datagrams:
    asked.sendto(datagram.encode(), (host, int(port)))
    answer, (source, source_port) = asked.recvfrom(65536)
    # A name comes as bytes.
    print(answer.decode(), source.decode() if isinstance(source, bytes) else source, source_port)
# Connected, it takes answers from that peer alone, as it was named.
asked.connect((host, int(port)))
asked.send(b'connected')
print(asked.recv(65536).decode())
