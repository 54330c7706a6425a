import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { slowProxy } from "../../support/network/slow-proxy.ts";
import { rtData, start } from "../../support/program.ts";
import { committedCertificate, createCertificate } from "../../support/simulator/certificate.ts";
import { createSentLog } from "../../support/simulator/sent.ts";
import { until } from "../../support/wait.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function startSecure(tls = createCertificate()) {
  const sent = createSentLog();
  const source = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 5 });
  const exchange = createSimulatedExchange({ tls }, { source, onSent: sent.onSent, log: silentLog });
  stops.push(exchange.stop);
  return { tls, sent, source, exchange, ...(await exchange.start()) };
}

/** `rt-data record` against this exchange, as a process. */
async function record(urls: { wsUrl: string; restUrl: string }, env: Record<string, string>) {
  const dataDir = join(temporaryFolder(), "data");
  const program = start(
    [...rtData, "record", "--data-dir", dataDir, "--symbols", "BTCUSDT", "--streams", "depth20@100ms", "--port", "0"],
    {
      cwd: temporaryFolder(),
      env: { RT_DATA_EXCHANGE_WS_URL: urls.wsUrl, RT_DATA_EXCHANGE_REST_URL: urls.restUrl, ...env },
    },
  );
  stops.push(() => program.kill("SIGKILL"));
  const url = await program.url();
  const status = async () => (await (await fetch(`${url}/api/status`)).json()) as Status;
  return { program, dataDir, status };
}

for (const [words, certificate] of [
  ["a certificate made now", createCertificate],
  ["the committed certificate", committedCertificate],
] as const) {
  test(`with ${words} the exchange speaks wss:// and https:// to whoever trusts it`, async () => {
    const { wsUrl, restUrl, tls } = await startSecure(certificate());
    expect([wsUrl, restUrl]).toEqual([expect.stringMatching(/^wss:\/\/127/), expect.stringMatching(/^https:\/\/127/)]);
    const trusting = { tls: { ca: tls.cert } };
    expect(await (await fetch(`${restUrl}/api/v3/ping`, trusting)).text()).toBe("{}");
    const socket = new WebSocket(`${wsUrl}/stream?streams=btcusdt@depth20@100ms`, trusting as unknown as string[]);
    const first = Promise.withResolvers<string>();
    socket.onmessage = ({ data }) => first.resolve(String(data));
    socket.onerror = () => first.reject(new Error("no connection"));
    expect(await first.promise).toStartWith('{"stream":"btcusdt@depth20@100ms","data":{"lastUpdateId":');
    socket.close();
    await expect(fetch(`${restUrl}/api/v3/ping`)).rejects.toThrow(/certificate/);
  });
}

test("rt-data records over wss:// where NODE_EXTRA_CA_CERTS names the certificate, measures the clock over https://, exactly once", async () => {
  const { tls, sent, source, ...urls } = await startSecure();
  const { program, dataDir, status } = await record(urls, { NODE_EXTRA_CA_CERTS: tls.path });
  await until(() => sent.count() > 20, "messages", 30_000);
  await until(async () => (await status()).clock_offset_ms !== null, "the clock offset");
  await source.stop();
  // The diffs that date the books are not recorded.
  const books = () => sent.byStream.get("BTCUSDT/depth20")?.length;
  await until(async () => (await status()).totals.records === books(), "all that was sent to be recorded");
  const [connection] = (await status()).connections;
  expect(connection).toMatchObject({ state: "open", reconnects: 0, last_error: null });
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  const recorded = readRecords(dataDir).get("BTCUSDT/depth20") ?? [];
  expect(recorded.map(({ payload }) => payload)).toEqual(
    (sent.byStream.get("BTCUSDT/depth20") ?? []).map(({ payload }) => payload),
  );
}, 60_000);

test("without it the certificate is refused: the status says so in words, and the program lives on", async () => {
  const urls = await startSecure();
  const { program, status } = await record(urls, {});
  await until(async () => ((await status()).connections[0]?.last_error ?? null) !== null, "a reason", 30_000);
  const { connections, ready, totals } = await status();
  expect(connections[0]).toMatchObject({ state: expect.stringMatching(/waiting|connecting/) });
  expect(connections[0]?.last_error).toMatch(/certificate|TLS/i);
  expect([ready, totals.records, urls.exchange.stats().connectionsTotal]).toEqual([false, 0, 0]);
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
}, 60_000);

test("slow TLS: a handshake that takes its time is waited for, not taken for a failure", async () => {
  const { tls, port, sent } = await startSecure();
  const proxy = await slowProxy(port, 1500);
  stops.push(proxy.stop);
  const urls = { wsUrl: `wss://127.0.0.1:${proxy.port}`, restUrl: `https://127.0.0.1:${proxy.port}` };
  const { program, status } = await record(urls, { NODE_EXTRA_CA_CERTS: tls.path });
  expect((await status()).connections[0]).toMatchObject({ state: "connecting" });
  expect(sent.count()).toBe(0);
  await until(async () => (await status()).totals.records > 0, "records", 30_000);
  expect((await status()).connections[0]).toMatchObject({ state: "open", reconnects: 0, last_error: null });
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
}, 60_000);
