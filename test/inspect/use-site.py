"""What Python sees of a site, with and without TLS: a page, data, an upload, events, and WebSockets. Digests, as JSON."""

import asyncio
import hashlib
import json
import os
import ssl
import sys

from aiohttp import ClientSession, FormData

proxy, ca, *sites = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)


def digest(content):
    return hashlib.sha256(content).hexdigest()


async def use(session, site):
    got = []
    for path in ["/", "/data", "/events"]:
        async with session.get(site + path, proxy=proxy, ssl=context) as response:
            got.append(digest(await response.read()))
    form = FormData({"user": "me"}, quote_fields=False)
    form.add_field("file", bytes(range(256)) * 400, filename="bytes")
    async with session.post(site + "/echo", data=form, proxy=proxy, ssl=context) as response:
        got.append(digest((await response.read()).split(b"\r\n\r\n")[-1][:102400]))
    for compress in [0, 15]:
        url = site.replace("http", "ws", 1) + "/socket"
        async with session.ws_connect(url, proxy=proxy, ssl=context, compress=compress) as socket:
            for message in [b"\0\1\xff", b"long " * 1000]:
                await socket.send_bytes(message)
                got.append(digest(await socket.receive_bytes()))
            got.append(bool(socket.compress))
    return got


async def main():
    async with ClientSession(auto_decompress=False) as session:
        print(json.dumps([await use(session, site) for site in sites]))


asyncio.run(main())
