/** The URL of a server as it may be shown: somebody may have given that of Wisp by mistake, with a wisp token at the end of its path. */
export function hideWispToken(url: string): string {
  return url.replace(WISP_TOKEN, '/[redacted]/');
}

/** As the server takes it (docs/wisp.md). */
const WISP_TOKEN = /(?<!\/)\/[\w.~-]{32,}\/(?=$|[?#])/;
