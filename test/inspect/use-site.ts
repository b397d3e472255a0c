/** What a page of the site sees of it, as text; run within the page. `plain`: the port of another one without TLS. */
export async function useSite(plain: number): Promise<object> {
  const hex = async (blob: Blob): Promise<string> =>
    [...new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))].join();
  const form = new FormData();
  form.append('user', 'me');
  form.append('file', new Blob([Uint8Array.from({ length: 100_000 }, (_, n) => (n * n) >> 8)]), 'bytes');
  const back = await (await fetch('/echo', { method: 'POST', body: form })).formData();
  const events = await new Promise((resolve) => {
    const source = new EventSource('/events');
    const got: string[] = [];
    source.onmessage = ({ data, lastEventId }) => {
      if (got.push(`${lastEventId} ${data}`) < 3) return;
      source.close();
      resolve(got);
    };
  });
  const echo = (url: string): Promise<string[]> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.binaryType = 'arraybuffer';
      const messages = ['hello', 'long '.repeat(1_000), Uint8Array.of(0, 1, 255)];
      const got: string[] = [];
      socket.onopen = () => socket.send(messages[0] as string);
      socket.onmessage = ({ data }) => {
        got.push(typeof data === 'string' ? data : [...new Uint8Array(data)].join());
        const message = messages[got.length];
        if (message !== undefined) return socket.send(message);
        socket.onclose = ({ code, wasClean }) => resolve([...got, `${socket.extensions} ${code} ${wasClean}`]);
        socket.close(1000);
      };
      socket.onerror = () => reject(new Error(`${url} has failed`));
    });
  return {
    data: await (await fetch('/data')).text(),
    form: [back.get('user'), await hex(back.get('file') as Blob)],
    events,
    sockets: [await echo(`wss://${location.host}/socket`), await echo(`ws://localhost:${plain}/socket`)],
    page: document.documentElement.outerHTML,
    protocols: performance
      .getEntriesByType('resource')
      .map((entry) => (entry as PerformanceResourceTiming).nextHopProtocol),
  };
}
