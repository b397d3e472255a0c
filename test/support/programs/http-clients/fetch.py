"""Asks for what standard input lists, one `name method url` a line, and prints what came of each as JSON.

fetch.py LIBRARY [PROXY]
"""
import asyncio
import json
import sys

TIMEOUT = 10
library, proxy = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None


def tell(name, status, content):
    print(json.dumps({"name": name, "status": status, "content": content.decode("latin1")}))


def fail(name, error):
    print(json.dumps({"name": name, "error": f"{type(error).__name__}: {error}"}))


def with_urllib():
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    opener = build_opener(ProxyHandler({"http": proxy} if proxy else {}))

    def fetch(method, url):
        try:
            response = opener.open(Request(url, method=method), timeout=TIMEOUT)
        except HTTPError as error:
            response = error
        with response:
            return response.status, response.read()

    return fetch


def with_requests(requests, is_pool=False):
    def new_session():
        session = requests.Session()
        session.trust_env = False
        if proxy:
            session.proxies = {"http": proxy}
        return session

    def fetch(method, url):
        # When a connection is kept that ends at once, it depends on luck who is faster.
        session = shared or new_session()
        response = session.request(method, url, timeout=TIMEOUT, allow_redirects=False)
        return response.status_code, response.content

    shared = new_session() if is_pool else None
    return fetch


def each(lines, fetch):
    for name, method, url in lines:
        try:
            tell(name, *fetch(method, url))
        except Exception as error:
            fail(name, error)


async def each_with_aiohttp(lines):
    from aiohttp import ClientSession, ClientTimeout, TCPConnector

    async with ClientSession(timeout=ClientTimeout(total=TIMEOUT), connector=TCPConnector(force_close=True)) as session:
        for name, method, url in lines:
            try:
                async with session.request(method, url, proxy=proxy, allow_redirects=False) as response:
                    tell(name, response.status, await response.read())
            except Exception as error:
                fail(name, error)


lines = [line.split() for line in sys.stdin]
if library == "aiohttp":
    asyncio.run(each_with_aiohttp(lines))
elif library in ("requests", "pool"):
    import requests

    each(lines, with_requests(requests, library == "pool"))
elif library == "pip":
    from pip._vendor import requests

    each(lines, with_requests(requests))
else:
    each(lines, with_urllib())
