import { expect, test } from "bun:test";
import { refusalText } from "../../server/binance/refusal.ts";

/** Why a real socket to this server failed, in our words. */
async function refusalOf(url: string): Promise<string> {
  const socket = new WebSocket(url);
  return new Promise((resolve) => {
    socket.onerror = (event) => resolve(refusalText(event));
  });
}

for (const [status, words] of [
  [403, "firewall"],
  [418, "banned"],
  [429, "too many connects"],
  [451, "data-stream.binance.vision"],
  [500, "not serving now"],
] as const) {
  test(`HTTP ${status} in place of the handshake is told with what it means`, async () => {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("<html>", { status }) });
    const reason = await refusalOf(`ws://127.0.0.1:${server.port}/stream?streams=btcusdt@aggTrade`);
    expect(reason).toStartWith(`the exchange answered HTTP ${status}: `);
    expect(reason).toContain(words);
    expect(reason).not.toContain("streams=");
    await server.stop(true);
  });
}

test("a port that refuses and a name that does not resolve are told without the URL's list of streams", async () => {
  for (const url of ["ws://127.0.0.1:1/stream?streams=a@b", "ws://nowhere.invalid/stream?streams=a@b"]) {
    expect(await refusalOf(url)).toBe("no connection: refused, unreachable, or the name does not resolve");
  }
});
