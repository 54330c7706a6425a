import { connect, createServer, type Socket } from "node:net";

/** What the proxy does with a request: forward it, or misbehave. */
export type ProxyConduct = "forward" | "login" | "forbid" | "html" | "redirect" | "bad-gateway" | "close" | "hang";

/** The only login that "login" and a proxy with `login` accept, and how it is written in an address. */
export const proxyLogin = { user: "rt-data", password: "p@ss:word", inUrl: "rt-data:p%40ss%3Aword" } as const;

const answers: Readonly<Partial<Record<ProxyConduct, string>>> = {
  login:
    'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="corp"\r\nContent-Length: 0\r\n\r\n',
  forbid: "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>No</html>",
  html: "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 18\r\n\r\n<html>Hello</html>",
  redirect: "HTTP/1.1 302 Found\r\nLocation: http://login.test/?session=hush\r\nContent-Length: 0\r\n\r\n",
  "bad-gateway": "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
};

/**
 * An HTTP proxy on loopback that tunnels (CONNECT) and forwards plain requests. It alone knows `hosts`: `exchange.test` and its port,
 * so that a client without the proxy has no way to them.
 */
export async function startConnectProxy(hosts: Readonly<Record<string, number>>, login?: typeof proxyLogin) {
  let conduct: ProxyConduct = "forward";
  const requests: string[] = [];
  const sockets = new Set<Socket>();

  function open(client: Socket, head: string): void {
    const [method = "", target = ""] = head.split(" ");
    requests.push(`${method} ${target}`);
    const given = /^proxy-authorization: Basic (\S+)/im.exec(head)?.[1] ?? "";
    const isKnown =
      login === undefined || Buffer.from(given, "base64").toString() === `${login.user}:${login.password}`;
    const act: ProxyConduct = conduct === "forward" && !isKnown ? "login" : conduct;
    const answer = answers[act];
    if (answer !== undefined) return void client.end(answer);
    if (act === "close") return void client.destroy();
    if (act === "hang") return;
    const { host, pathname, search } = new URL(method === "CONNECT" ? `http://${target}` : target);
    const port = hosts[host];
    if (port === undefined) return void client.end(answers["bad-gateway"] ?? "");
    const upstream = connect(port, "127.0.0.1");
    sockets.add(upstream);
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
    if (method === "CONNECT") client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    // One request for each connection, so that each is forwarded by itself.
    else
      upstream.write(
        head.replace(target, `${pathname}${search}`).replace(/^(proxy-)?connection:.*$/gim, "connection: close"),
      );
    client.pipe(upstream).pipe(client);
  }

  const server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => client.destroy());
    let head = "";
    const read = (chunk: Buffer) => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      client.off("data", read);
      open(client, head);
    };
    client.on("data", read);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    url: `http://${login === undefined ? "" : `${login.inUrl}@`}127.0.0.1:${port}`,
    /** Request lines so far: `CONNECT exchange.test:443`. */
    requests,
    conduct(next: ProxyConduct) {
      conduct = next;
    },
    /** Ends every connection; the proxy goes on. */
    cut() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
