import { afterEach, expect, test } from "bun:test";
import { createRestClient } from "../../../server/binance/rest/rest-client.ts";
import { openConnection } from "../../../server/binance/sockets/connection.ts";
import { reach } from "../../../server/cli/check/finding.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { after } from "../../../server/platform/time/timers.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { localizedReason } from "../../../server/text/reason.ts";
import { type ProxyConduct, proxyLogin, startConnectProxy } from "../../support/network/connect-proxy.ts";
import { setProxies } from "../../support/network/proxy-variables.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const setVariables = (variables: Readonly<Record<string, string>>) => void stops.push(setProxies(variables));

/** An exchange that only the proxy knows, as exchange.test. */
async function exchangeBehindProxy(login?: typeof proxyLogin) {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 3 });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  stops.push(exchange.stop);
  const { port } = await exchange.start();
  const proxy = await startConnectProxy({ "exchange.test": port, "exchange.test:9443": port }, login);
  stops.push(proxy.stop);
  return proxy;
}

/** Opens a connection; resolves with "message" at the first message, else with the reason of the end. */
function stream(wsUrl: string): Promise<string> {
  const end = Promise.withResolvers<string>();
  const connection = openConnection(
    { wsUrl, names: ["btcusdt@depth20@100ms"] },
    { nowUs: () => Date.now() * 1000, after },
    {
      onOpen() {},
      onText: (text) => end.resolve(text.startsWith('{"stream":') ? "message" : text),
      onBinary() {},
      onPing() {},
      onEnd: ({ reason }) => end.resolve(reason),
    },
  );
  return end.promise.finally(connection.close);
}

async function ping(restUrl: string, timeoutMs = 20_000): Promise<string> {
  const rest = createRestClient({ restUrl, timeoutMs }, { log: silentLog });
  const answer = await rest.get("/api/v3/ping", {}, { weight: 1, priority: "high" });
  rest.stop();
  return answer.kind === "failed" ? answer.reason : answer.kind;
}

test("socket and REST reach through the proxy, with its login, what cannot be reached without it", async () => {
  const proxy = await exchangeBehindProxy(proxyLogin);
  setVariables({ ALL_PROXY: proxy.url });
  expect(await stream("ws://exchange.test:9443")).toBe("message");
  expect(await ping("http://exchange.test:9443")).toBe("ok");
  expect(proxy.requests).toEqual(["CONNECT exchange.test:9443", "GET http://exchange.test:9443/api/v3/ping"]);
});

test("an exchange on this machine is reached without the proxy, by both", async () => {
  const proxy = await startConnectProxy({});
  stops.push(proxy.stop);
  const server = Bun.serve({
    ...{ port: 0, hostname: "127.0.0.1" },
    fetch: (request, it) => (it.upgrade(request) ? undefined : Response.json({})),
    websocket: { open: (socket) => void socket.send('{"stream":1}'), message() {} },
  });
  stops.push(() => server.stop(true));
  setVariables({ ALL_PROXY: proxy.url });
  expect(await stream(`ws://127.0.0.1:${server.port}`)).toBe("message");
  expect(await ping(`http://127.0.0.1:${server.port}`)).toBe("ok");
  expect(proxy.requests).toEqual([]);
});

const tunnelWords: readonly (readonly [ProxyConduct, RegExp])[] = [
  ["login", /^the proxy \S+ \(HTTPS_PROXY\) asks for a login \(HTTP 407\); write user and password into HTTPS_PROXY/],
  ["forbid", /^the proxy \S+ \(HTTPS_PROXY\) does not allow exchange\.test:9443 \(HTTP 403\).*only port 443/],
  ["bad-gateway", /^the proxy \S+ \(HTTPS_PROXY\) cannot reach exchange\.test:9443 \(HTTP 502\)/],
  ["html", /^the proxy \S+ \(HTTPS_PROXY\) does not open a tunnel to exchange\.test:9443/],
  ["redirect", /^the proxy \S+ \(HTTPS_PROXY\) does not open a tunnel to exchange\.test:9443 \(HTTP 302\)/],
  ["close", /^the proxy \S+ \(HTTPS_PROXY\) closed the connection to exchange\.test:9443/],
];

test.each(tunnelWords)(
  "a proxy that answers with %s is named, by socket, REST and check; its password is not",
  async (conduct, words) => {
    const proxy = await startConnectProxy({});
    stops.push(proxy.stop);
    proxy.conduct(conduct);
    setVariables({ HTTPS_PROXY: proxy.url.replace("://", "://user:hush@") });
    const patience = { ms: 20_000, signal: new AbortController().signal };
    const [socket, rest, finding] = await Promise.all([
      stream("wss://exchange.test:9443"),
      ping("https://exchange.test:9443"),
      reach("exchange.reach", "https://exchange.test:9443", "exchange.rest_url", patience),
    ]);
    for (const text of [socket, rest, `${finding.detail}; ${finding.advice}`]) {
      expect(text).toMatch(words);
      expect(text).not.toContain("hush");
      expect(localizedReason(text, "ko")).toContain("프록시");
    }
    expect(finding.state).toBe("failed");
  },
);

test("a proxy that hangs, is gone, or is no HTTP proxy is named too, and the wait is bounded", async () => {
  const proxy = await startConnectProxy({});
  stops.push(proxy.stop);
  proxy.conduct("hang");
  setVariables({ HTTPS_PROXY: proxy.url });
  expect(await ping("https://exchange.test", 200)).toMatch(/did not answer in time through the proxy 127\.0\.0\.1:\d+/);
  const signal = new AbortController().signal;
  const late = await reach("x", "https://exchange.test", "exchange.rest_url", { ms: 200, signal });
  expect([late.state, late.detail]).toEqual(["failed", expect.stringContaining("no answer from the proxy 127.0.0.1:")]);
  proxy.stop();
  for (const ask of [stream("wss://exchange.test"), ping("https://exchange.test")])
    expect(await ask).toMatch(/^the proxy \S+ \(HTTPS_PROXY\) cannot be reached; check HTTPS_PROXY/);
  setVariables({ ALL_PROXY: "socks5://u:hush@127.0.0.1:1" });
  for (const ask of [stream("wss://exchange.test"), ping("https://exchange.test")])
    expect(await ask).toBe(
      "ALL_PROXY must be the address of an HTTP proxy: http://host:port; socks5 proxies are not supported",
    );
});

test("an answer of the proxy itself to plain HTTP is not taken for the exchange's", async () => {
  const proxy = await startConnectProxy({});
  stops.push(proxy.stop);
  setVariables({ HTTP_PROXY: proxy.url });
  proxy.conduct("forbid");
  expect(await ping("http://exchange.test")).toMatch(
    /^the proxy \S+ \(HTTP_PROXY\) answered HTTP 403 in place of the exchange/,
  );
  proxy.conduct("login");
  expect(await ping("http://exchange.test")).toMatch(
    /^the proxy \S+ \(HTTP_PROXY\) answered HTTP 407 in place of the exchange/,
  );
});
