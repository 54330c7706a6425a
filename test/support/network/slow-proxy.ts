import { createServer, connect as dial } from "node:net";

/**
 * A TCP proxy on loopback that accepts at once and forwards bytes only after `delayMs`: a client sees a slow TLS handshake, which
 * the simulator cannot fake.
 */
export async function slowProxy(to: number, delayMs: number) {
  const server = createServer((client) => {
    client.pause();
    client.on("error", () => client.destroy());
    setTimeout(() => {
      const upstream = dial(to, "127.0.0.1");
      upstream.on("error", () => client.destroy());
      client.on("close", () => upstream.destroy());
      client.pipe(upstream).pipe(client);
    }, delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, stop: () => void server.close() };
}
