/** A reverse proxy as nginx is one: takes a prefix off, and passes everything on as it came, WebSockets too. */
export function prefixProxy(port: number, prefix: string) {
  type Bridge = { to: WebSocket };
  return Bun.serve<Bridge>({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request, server) {
      const { pathname, search } = new URL(request.url);
      if (!pathname.startsWith(`${prefix}/`)) return new Response(null, { status: 404 });
      const path = pathname.slice(prefix.length) + search;
      const headers = Object.fromEntries(request.headers);
      if (request.headers.get("upgrade") === "websocket") {
        const { host = "", cookie = "", origin = "" } = headers;
        const passedOn: Bun.WebSocketOptions = { headers: { host, cookie, origin } };
        const to = new WebSocket(`ws://127.0.0.1:${port}${path}`, passedOn as unknown as string[]);
        return server.upgrade(request, { data: { to } }) ? undefined : new Response(null, { status: 400 });
      }
      const body = request.method === "GET" || request.method === "HEAD" ? null : await request.arrayBuffer();
      const { method } = request;
      return fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body, redirect: "manual", decompress: false });
    },
    websocket: {
      open(client) {
        client.data.to.onmessage = (event) => client.send(String(event.data));
      },
      message() {},
      close: (client) => client.data.to.close(),
    },
  });
}
