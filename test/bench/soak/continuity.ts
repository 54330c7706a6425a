/**
 * Measures how well the feed bridges faults, against the simulator: `bun test/bench/soak/continuity.ts [reconnect|two|silent|soak]`.
 * Without an argument it runs all, which takes about 20 minutes. Prints Markdown.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createFaults } from "../../../server/simulator/faults/faults.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { compareWithEmitted, startContinuity } from "../../support/binance/gap-check.ts";
import { rtData, start } from "../../support/program.ts";
import { until } from "../../support/wait.ts";

const types = ["depth20@100ms", "depth@100ms", "aggTrade"];
const parts: Record<string, () => Promise<void>> = { reconnect, two, silent, soak };
const folders: string[] = [];
const [wanted] = process.argv.slice(2);
for (const [name, run] of Object.entries(parts)) if (wanted === undefined || wanted === name) await run();
for (const folder of folders) rmSync(folder, { recursive: true, force: true });
process.exit(0);

/** One socket, cut 100 times: how long until data flows again. */
async function reconnect(): Promise<void> {
  const run = await startContinuity({ dataDir: scratch(), symbols: 15, types, speed: 10 });
  const tookMs: number[] = [];
  for (let n = 0; n < 100; n++) {
    await until(
      () => run.feed.connections().every(({ since_us }) => run.nowUs() - since_us > 1_500_000),
      "data",
      20_000,
    );
    const records = run.got.records;
    const began = performance.now();
    run.exchange.disconnectAll(n % 2 === 0 ? "terminate" : { code: 1001, reason: "" });
    await until(() => run.feed.counts().reconnects > n, "the cut");
    await until(
      () => run.got.records > records + 1 && (run.feed.connections()[0]?.last_recv_us ?? 0) > 0,
      "data again",
      20_000,
    );
    tookMs.push(performance.now() - began);
  }
  await run.stop();
  console.log(
    `Reconnect after a cut, 100 times: median ${quantile(tookMs, 0.5)} ms, p99 ${quantile(tookMs, 0.99)} ms.`,
  );
}

/** Two sockets; either is cut every 5 s for 2 minutes. */
async function two(): Promise<void> {
  const run = await startContinuity({ dataDir: scratch(), symbols: 15, types, speed: 10, connections: 2 });
  const began = performance.now();
  let cuts = 0;
  while (performance.now() - began < 120_000) {
    await Bun.sleep(5000);
    const [oldest] = run.exchange.connections();
    run.exchange.disconnect(oldest ?? 0, "terminate");
    cuts++;
  }
  await Bun.sleep(2000);
  await run.stop();
  const { recorded, lost, doubled } = compareWithEmitted(run.emitted, run.dataDir);
  const open = run.gaps.filter(({ missing }) => missing !== 0).length;
  console.log(
    `Two sockets, ${cuts} cuts in 2 minutes: ${run.emitted.length} messages, ${recorded} recorded, lost ${lost.length}, doubled ${doubled}, gaps ${open}.`,
  );
}

/** How long until a silent socket, and a single silent symbol, is noticed. */
async function silent(): Promise<void> {
  const names = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];
  const source = createSyntheticMarket({ symbols: names, seed: 2 });
  const faults = createFaults();
  const exchange = createSimulatedExchange({}, { source, faults, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const { errors, stop } = await record(wsUrl, restUrl, names.join(","));
  const noticed = () => errors().split(/no data although|a stream is silent/).length;
  const seen: Record<"socket" | "symbol", number[]> = { socket: [], symbol: [] };
  // Each symbol twice: a symbol that falls silent again and again counts as quiet.
  await Bun.sleep(40_000);
  for (let n = 0; n < 6; n++) {
    for (const kind of ["socket", "symbol"] as const) {
      await Bun.sleep(8000);
      const [newest] = exchange.connections().slice(-1);
      const fault = faults.begin(
        kind === "socket"
          ? { kind: "silent", connection: newest }
          : { kind: "silent", symbol: names[n % names.length] },
      );
      const began = performance.now();
      const told = noticed();
      await until(() => noticed() > told, "it to be noticed", 60_000);
      seen[kind].push(performance.now() - began);
      fault.end();
    }
  }
  await stop();
  await exchange.stop();
  for (const [kind, ms] of Object.entries(seen)) {
    console.log(
      `A silent ${kind} is noticed after ${quantile(ms, 0.5)} ms (${quantile(ms, 0)}–${quantile(ms, 1)}), ${ms.length} times.`,
    );
  }
}

/** 300 symbols × 2 streams for 10 minutes: memory and delay over time. */
async function soak(): Promise<void> {
  const symbols = Array.from({ length: 300 }, (_, n) => `SYM${n}USDT`);
  const source = createSyntheticMarket({ symbols, seed: 3 });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const { status, stop } = await record(wsUrl, restUrl, symbols.join(","));
  const samples: { minute: number; megabytes: number; p50: number; p99: number; rate: number }[] = [];
  const began = performance.now();
  while (performance.now() - began < 600_000) {
    await Bun.sleep(5000);
    const { hardware, symbols: rows, totals } = await status();
    const delays = rows.flatMap(({ delay_p50_ms, delay_p99_ms }) =>
      delay_p50_ms === null ? [] : [[delay_p50_ms, delay_p99_ms ?? 0]],
    );
    samples.push({
      minute: (performance.now() - began) / 60_000,
      megabytes: hardware.process_memory_bytes / 1e6,
      p50: quantile(
        delays.map(([p50]) => p50 ?? 0),
        0.5,
      ),
      p99: quantile(
        delays.map(([, p99]) => p99 ?? 0),
        0.5,
      ),
      rate: totals.messages_per_s,
    });
  }
  const { totals } = await status();
  await stop();
  await exchange.stop();
  const late = samples.filter(({ minute }) => minute > 2);
  const part = (from: number, to: number, name: "p50" | "p99" | "megabytes") =>
    quantile(
      samples.filter(({ minute }) => minute > from && minute <= to).map((sample) => sample[name]),
      0.5,
    );
  console.log(
    [
      `300 symbols × 2 streams, 10 minutes, ${Math.round(
        quantile(
          samples.map(({ rate }) => rate),
          0.5,
        ),
      )} messages/s:`,
      `${totals.records} records, gaps ${totals.gaps}, reconnects ${totals.reconnects}, duplicates ${totals.duplicates};`,
      `memory ${part(1, 3, "megabytes")} MB in minutes 1–3, ${part(8, 10, "megabytes")} MB in minutes 8–10, slope ${slope(late).toFixed(2)} MB a minute after the second;`,
      `delay p50 ${part(1, 3, "p50")} → ${part(8, 10, "p50")} ms, p99 ${part(1, 3, "p99")} → ${part(8, 10, "p99")} ms.`,
    ].join("\n"),
  );
}

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-bench-"));
  folders.push(folder);
  return folder;
}

async function record(wsUrl: string, restUrl: string, symbols: string) {
  const program = start([...rtData, "record", "--data-dir", scratch(), "--port", "0", "--symbols", symbols], {
    env: { RT_DATA_EXCHANGE_WS_URL: wsUrl, RT_DATA_EXCHANGE_REST_URL: restUrl, RT_DATA_RECORD_SEGMENT_MINUTES: "1" },
  });
  const url = await program.url();
  return {
    status: async (): Promise<Status> => (await fetch(`${url}/api/status`)).json() as Promise<Status>,
    errors: program.errors,
    async stop() {
      program.kill("SIGTERM");
      await program.ended;
    },
  };
}

/** Least squares, MB a minute. */
function slope(samples: readonly { minute: number; megabytes: number }[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(samples.map(({ minute }) => minute)), mean(samples.map(({ megabytes }) => megabytes))];
  const top = samples.reduce((sum, { minute, megabytes }) => sum + (minute - x) * (megabytes - y), 0);
  return top / samples.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) * 10) / 10;
}
