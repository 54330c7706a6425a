import { afterAll, beforeAll, expect } from "bun:test";
import { join } from "node:path";
import type { Gap } from "../../../server/domain/gap.ts";
import { recordId } from "../../../server/domain/line.ts";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import type { MarketSource } from "../../../server/simulator/protocol/market-source.ts";
import { createSimulatedExchange, type SimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { dataFiles, readLines } from "../data/read-data.ts";
import { type Program, rtData, start } from "../program.ts";
import { until } from "../wait.ts";

export const hour = 3600;
export const day = 24 * hour;

/** An exchange for a test file, and recorders of BTCUSDT whose clocks the tests set. */
export type ClockBench = {
  /** Starts `rt-data record` on this folder; `env` holds its clock. It is killed after the file. */
  record(dataDir: string, env: Record<string, string>): Program;
  /** The exchange's time, ms. */
  exchangeMs(): number;
  /** Sets the exchange's time to this machine's plus `aheadS`: a test may need another time of day. */
  setExchange(aheadS: number): void;
};

/** Starts the exchange before the tests of this file, and ends it and the recorders after them. */
export function clockBench(): ClockBench {
  let aheadS = 0;
  let exchange: SimulatedExchange;
  let urls = { wsUrl: "", restUrl: "" };
  const running: Program[] = [];
  const exchangeMs = () => Date.now() + aheadS * 1000;
  beforeAll(async () => {
    const market = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 3, speed: 4 });
    const source: MarketSource = { ...market, nowMs: exchangeMs };
    exchange = createSimulatedExchange({}, { source, log: silentLog });
    urls = await exchange.start();
  });
  afterAll(async () => {
    for (const program of running) program.kill("SIGKILL");
    await exchange.stop();
  });

  return {
    record(dataDir, env) {
      const program = start([...rtData, "record"], {
        env: {
          ...env,
          RT_DATA_RECORD_DATA_DIR: dataDir,
          RT_DATA_RECORD_SYMBOLS: "BTCUSDT",
          RT_DATA_RECORD_STREAMS: "aggTrade,depth20@100ms",
          RT_DATA_HTTP_PORT: "0",
          RT_DATA_EXCHANGE_WS_URL: urls.wsUrl,
          RT_DATA_EXCHANGE_REST_URL: urls.restUrl,
        },
      });
      running.push(program);
      return program;
    },
    exchangeMs,
    setExchange(next) {
      aheadS = next;
    },
  };
}

export async function get<T>(program: Program, path: string): Promise<T> {
  try {
    return (await (await fetch(`${await program.url()}${path}`)).json()) as T;
  } catch (error) {
    throw new Error(`${error}: ${program.errors()}`);
  }
}
const records = async (program: Program) => (await get<Status>(program, "/api/status")).totals.records;

/** Waits until this many more records are stored. */
export async function more(program: Program, count: number): Promise<void> {
  const wanted = (await records(program)) + count;
  await until(async () => (await records(program)) >= wanted, `${count} more records`, 60_000);
}

export const gapsOf = async (program: Program) => (await get<{ items: Gap[] }>(program, "/api/gaps?limit=500")).items;

/** Every file of the folder, with the receipt times and ids of its lines. */
export function filesOf(dataDir: string) {
  return dataFiles(dataDir)
    .filter((file) => /\.jsonl(\.zst)?$/.test(file))
    .map((file) => {
      const lines = readLines(dataDir, file);
      const kind = file.includes("aggTrade") ? ("aggTrade" as const) : ("partialDepth" as const);
      const ids = lines.map(({ payload }) => recordId(payload, kind) ?? 0);
      return { file, kind, stamps: lines.map(({ recvUs }) => recvUs), ids };
    });
}

/** The open segments of trades that hold something. */
export const tradeSegments = (dataDir: string) =>
  dataFiles(dataDir).filter(
    (file) => file.includes("aggTrade") && file.endsWith(".jsonl") && Bun.file(join(dataDir, file)).size > 0,
  );

/** In every file stamps never decrease; every trade between the first and the last is there exactly once. */
export function expectOrderAndOnce(dataDir: string): void {
  const files = filesOf(dataDir);
  for (const { file, stamps } of files) expect([file, stamps.toSorted((a, b) => a - b)]).toEqual([file, stamps]);
  const ids = files.flatMap((one) => (one.kind === "aggTrade" ? one.ids : [])).sort((a, b) => a - b);
  const [first = 0, last = 0] = [ids[0], ids.at(-1)];
  expect(ids).toEqual(Array.from({ length: last - first + 1 }, (_, n) => first + n));
}

/** The newest record's stamp is the exchange's time, within two seconds. */
export function expectTrueStamps(dataDir: string, byMs: number): void {
  const stamps = filesOf(dataDir).map(({ stamps }) => stamps.at(-1) ?? 0);
  const nearest = Math.min(...stamps.map((us) => Math.abs(us / 1000 - byMs)));
  expect(nearest).toBeLessThan(2000);
}
