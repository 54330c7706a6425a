import { expect, test } from "bun:test";
import { refusalText } from "../../../server/binance/sockets/connection.ts";
import { localizedReason } from "../../../server/text/reason.ts";

/** Why a real socket to this server failed, in our words. */
async function refusalOf(url: string): Promise<string> {
  const socket = new WebSocket(url);
  return new Promise((resolve) => {
    socket.onerror = (event) => resolve(refusalText(event, { kind: "direct" }, new URL(url).host));
  });
}

for (const [status, words] of [
  [403, "firewall"],
  [418, "banned"],
  [429, "too many connects"],
  [451, "data-stream.binance.vision"],
  [500, "cannot serve now"],
] as const) {
  test(`HTTP ${status} in place of the handshake is reported with its meaning`, async () => {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("<html>", { status }) });
    const reason = await refusalOf(`ws://127.0.0.1:${server.port}/stream?streams=btcusdt@aggTrade`);
    expect(reason).toStartWith(`the exchange answered HTTP ${status}: `);
    expect(reason).toContain(words);
    expect(reason).not.toContain("streams=");
    await server.stop(true);
  });
}

for (const status of [200, 204, 302, 307, 407, 511]) {
  test(`HTTP ${status} in place of the handshake is said to be somebody else's answer, with what to do, and a redirect is not followed`, async () => {
    let followed = 0;
    const login = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(`log in ${++followed}`) });
    const headers = { location: `http://127.0.0.1:${login.port}/login` };
    const body = status === 204 ? null : "<html>Log in</html>";
    const portal = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(body, { status, headers }) });
    const reason = await refusalOf(`ws://127.0.0.1:${portal.port}/stream?streams=btcusdt@aggTrade`);
    expect(reason).toStartWith(
      `HTTP ${status} in place of a stream: something between this machine and Binance answers`,
    );
    expect(reason).toMatch(/login page.*proxy.*exchange\.ws_url.*; .*log in/);
    expect(localizedReason(`a.example: ${reason}`, "ko")).toMatch(
      /^a\.example: HTTP \d+ in place of a stream: .*로그인 페이지.*exchange\.ws_url/,
    );
    expect([localizedReason(reason, "en"), localizedReason("another reason", "ko")]).toEqual([
      reason,
      "another reason",
    ]);
    expect(followed).toBe(0);
    await Promise.all([portal.stop(true), login.stop(true)]);
  });
}

test("a port that refuses and a name that does not resolve are told without the URL's list of streams", async () => {
  for (const url of ["ws://127.0.0.1:1/stream?streams=a@b", "ws://nowhere.invalid/stream?streams=a@b"]) {
    expect(await refusalOf(url)).toBe("no connection: refused, unreachable, or the name does not resolve");
  }
});
