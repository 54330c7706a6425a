/** A reverse proxy as nginx is one: takes a prefix off and passes WebSockets on. */
export function prefixProxy(port: number, prefix: string) {
  type Bridge = { to: WebSocket };
  return Bun.serve<Bridge>({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request, server) {
      const { pathname } = new URL(request.url);
      if (!pathname.startsWith(`${prefix}/`)) return new Response(null, { status: 404 });
      const path = pathname.slice(prefix.length);
      if (request.headers.get("upgrade") === "websocket")
        return server.upgrade(request, { data: { to: new WebSocket(`ws://127.0.0.1:${port}${path}`) } })
          ? undefined
          : new Response(null, { status: 400 });
      return fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual" });
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
