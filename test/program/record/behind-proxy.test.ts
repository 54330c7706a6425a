import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { CheckFinding } from "../../../server/cli/check/finding.ts";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { proxyLogin, startConnectProxy } from "../../support/network/connect-proxy.ts";
import { rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { createCertificate } from "../../support/simulator/certificate.ts";
import { createSentLog } from "../../support/simulator/sent.ts";
import { until } from "../../support/wait.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

test.skipIf(Bun.which("openssl") === null)(
  "behind a proxy that is the only way out, everything is recorded over TLS, check says the truth, and no log knows the login",
  async () => {
    const tls = createCertificate("exchange.test");
    const sent = createSentLog();
    const source = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 5 });
    const exchange = createSimulatedExchange({ tls }, { source, onSent: sent.onSent, log: silentLog });
    stops.push(exchange.stop);
    const { port } = await exchange.start();
    // Only the proxy knows the name.
    const proxy = await startConnectProxy({ "exchange.test:9443": port, "exchange.test:443": port }, proxyLogin);
    stops.push(proxy.stop);
    const dataDir = join(temporaryFolder(), "data");
    const env = {
      ...{ RT_DATA_EXCHANGE_WS_URL: "wss://exchange.test:9443", RT_DATA_EXCHANGE_REST_URL: "https://exchange.test" },
      ...{ RT_DATA_RECORD_SYMBOLS: "BTCUSDT", RT_DATA_RECORD_STREAMS: "depth20@100ms" },
      ...{ NODE_EXTRA_CA_CERTS: tls.path, HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url },
    };
    const check = async () => {
      const { output } = await run(["check", "--json", "--only", "exchange"], { env });
      return JSON.parse(output) as CheckFinding[];
    };

    proxy.conduct("forbid");
    const before = (await check()).filter(({ state }) => state === "failed");
    expect(before.map(({ check: name }) => name)).toEqual(["exchange.reach", "exchange.stream"]);
    for (const { detail } of before) expect(detail).toContain("the proxy 127.0.0.1:");

    proxy.conduct("forward");
    const program = start([...rtData, "record", "--data-dir", dataDir, "--port", "0"], { cwd: temporaryFolder(), env });
    stops.push(() => program.kill("SIGKILL"));
    const url = await program.url();
    const status = async () => (await (await fetch(`${url}/api/status`)).json()) as Status;
    await until(() => sent.count() > 20, "messages", 30_000);
    await until(async () => (await status()).clock_offset_ms !== null, "the clock offset", 30_000);
    const after = await check();
    for (const name of ["exchange.reach", "exchange.rest", "exchange.stream"]) {
      const finding = after.find((candidate) => candidate.check === name);
      expect(finding).toMatchObject({ state: "ok", detail: expect.stringContaining(" through the proxy 127.0.0.1:") });
    }

    const books = () => sent.byStream.get("BTCUSDT/depth20") ?? [];
    const recorded = async () => (await status()).totals.records;
    // What the check received was sent, but not to be recorded.
    await until(async () => (await recorded()) > 20, "records", 30_000);
    await source.stop();
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    const lines = (readRecords(dataDir).get("BTCUSDT/depth20") ?? []).map(({ payload }) => payload);
    expect(lines.length).toBeGreaterThan(20);
    expect(new Set(books().map(({ payload }) => payload)).isSupersetOf(new Set(lines))).toBe(true);
    expect(new Set(lines).size).toBe(lines.length);
    expect(proxy.requests.every((line) => line.startsWith("CONNECT exchange.test:"))).toBe(true);
    expect(program.errors()).toContain("connections to the exchange go through the proxy 127.0.0.1:");
    for (const secret of [proxyLogin.password, proxyLogin.inUrl]) expect(program.errors()).not.toContain(secret);
  },
  120_000,
);
