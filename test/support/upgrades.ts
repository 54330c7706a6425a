import { Database } from "bun:sqlite";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { createArchiver } from "../../server/archive/archiver.ts";
import { dateOf, dayUs, segmentOfPath } from "../../server/domain/day.ts";
import { awaitsBackfill, type Gap } from "../../server/domain/gap.ts";
import { parseStreamName } from "../../server/domain/stream.ts";
import { silentLog } from "../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../server/simulator/market/synthetic-market.ts";
import type { MarketSource } from "../../server/simulator/protocol/market-source.ts";
import { createSimulatedExchange } from "../../server/simulator/simulated-exchange.ts";
import { recorderOf } from "../../server/storage/lock/data-folder.ts";
import { readUpgradeReport, type UpgradeReport } from "../../server/upgrade/report.ts";
import { startDayWorker, startSealWorker } from "../../server/workers.ts";
import { dataFiles, readLines, readRecords } from "./data/read-data.ts";
import { type Program, start } from "./program.ts";
import { until } from "./wait.ts";

/** Sent payloads of each stream, with the time of the first sending, µs. */
type Sent = ReadonlyMap<string, Map<string, number>>;

/** Every kind of stream that has ids. */
export const allTypes = ["depth20@100ms", "aggTrade", "depth@100ms", "bookTicker", "trade"];

const folders: string[] = [];

/** Ends the processes that still record into a folder of `startUpgradable`: after an upgrade they are not children of the test. */
export function endRecorders(): void {
  for (const dataDir of folders.splice(0)) {
    const pid = recorderOf(dataDir)?.pid;
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }
}

/** A recorder that is upgraded while it records from a busy exchange, which knows all that it has sent. */
export async function startUpgradable(options: {
  dataDir: string;
  /** What to run: the executable, or Bun with the script. */
  program: readonly string[];
  symbols: number;
  /** The streams that are counted and, unless the config file names others, recorded. */
  types?: readonly string[];
  typesInFile?: boolean;
  speed: number;
  env?: Readonly<Record<string, string>>;
  /** Words behind `record`. */
  flags?: readonly string[];
}) {
  const { dataDir } = options;
  folders.push(dataDir);
  const types = options.types ?? allTypes;
  const symbols = Array.from({ length: options.symbols }, (_, n) => ["BTCUSDT", "ETHUSDT"][n] ?? `SYM${n}USDT`);
  const wanted = new Set(symbols.flatMap((symbol) => types.map((type) => `${symbol.toLowerCase()}@${type}`)));
  /** Every sent payload once, in the order of each stream. */
  const sent: Sent = new Map([...wanted].map((name) => [name, new Map()]));
  let isPaused = false;
  const market = createSyntheticMarket({ symbols, seed: 7, speed: options.speed });
  const source: MarketSource = {
    ...market,
    start: (emit) => market.start((events) => (isPaused ? undefined : emit(events))),
  };
  const exchange = createSimulatedExchange(
    { connectsPer5Minutes: Number.POSITIVE_INFINITY },
    { source, onSent, log: silentLog },
  );
  function onSent({ stream, payload }: { stream: string; payload: string }): void {
    const payloads = sent.get(stream);
    if (payloads !== undefined && !payloads.has(payload)) payloads.set(payload, Date.now() * 1000);
  }
  const { wsUrl, restUrl } = await exchange.start();
  const env = {
    RT_DATA_EXCHANGE_WS_URL: wsUrl,
    RT_DATA_EXCHANGE_REST_URL: restUrl,
    RT_DATA_RECORD_SYMBOLS: symbols.join(","),
    ...(options.typesInFile ? {} : { RT_DATA_RECORD_STREAMS: types.join(",") }),
    RT_DATA_RECORD_DATA_DIR: dataDir,
    RT_DATA_HTTP_PORT: "0",
    // A busy machine holds up the market of this process: its rests are no gaps.
    RT_DATA_FEED_STALE_MS: "60000",
    ...options.env,
  };
  const recorder: Program = start([...options.program, "record", ...(options.flags ?? [])], { env });
  const began = performance.now();
  await recorder.url();
  const sentCount = () => [...sent.values()].reduce((sum, payloads) => sum + payloads.size, 0);

  return {
    recorder,
    streams: wanted.size,
    sentCount,
    messagesPerSecond: () => Math.round((sentCount() / (performance.now() - began)) * 1000),
    /** The process that records; 0 without recorder. */
    pid: () => recorderOf(dataDir)?.pid ?? 0,
    /** Requests an upgrade from the recorder, waits, and returns the reported result. */
    async upgrade(pid: number): Promise<UpgradeReport> {
      const sinceMs = Date.now();
      process.kill(pid, "SIGUSR2");
      const report = () => {
        const found = readUpgradeReport(dataDir);
        return found !== null && found.pid === pid && found.atMs >= sinceMs ? found : null;
      };
      await until(() => report() !== null, `process ${pid} to say what became of the upgrade`, 60_000);
      return report() as UpgradeReport;
    },
    /**
     * Lets the recorder write everything, stops it, and compares its records with the sent payloads. A stream of a type in `ended` left
     * the config during the run: payloads after its last record do not count.
     */
    async finish(pid: number, ended: readonly string[] = []) {
      isPaused = true;
      await untilStill(dataDir, () => isNewestRecorded(sent, dataDir, ended));
      process.kill(pid, "SIGTERM");
      await until(() => !isRunning(pid), "the recorder to end", 30_000);
      await exchange.stop();
      return { sent: sentCount(), ...compare(sent, dataDir, ended), gaps: gapsIn(dataDir) };
    },
    stop: () => exchange.stop(),
  };
}

/**
 * Waits until the files have not grown for a second and hold the newest message of each stream. On a busy machine messages are under way
 * for seconds. If a newest message never comes, ten seconds without growth are enough.
 */
async function untilStill(dataDir: string, isComplete: () => boolean): Promise<void> {
  const bytes = () => dataFiles(dataDir).reduce((sum, file) => sum + Bun.file(join(dataDir, file)).size, 0);
  let [last, sinceMs] = [-1, 0];
  await until(
    () => {
      const size = bytes();
      if (size !== last) [last, sinceMs] = [size, performance.now()];
      const stillMs = performance.now() - sinceMs;
      return stillMs > 10_000 || (stillMs > 1000 && isComplete());
    },
    "the files to stand still",
    60_000,
    100,
  );
}

function isNewestRecorded(sent: Sent, dataDir: string, ended: readonly string[]): boolean {
  let records: ReturnType<typeof readRecords>;
  try {
    records = readRecords(dataDir);
  } catch {
    // A segment was sealed between listing and reading.
    return false;
  }
  return [...sent].every(([name, payloads]) => {
    const stream = parseStreamName(name);
    const newest = [...payloads.keys()].at(-1);
    if (stream === null || newest === undefined || ended.includes(stream.type.folder)) return true;
    return records.get(`${stream.symbol}/${stream.type.folder}`)?.some(({ payload }) => payload === newest) === true;
  });
}

/** `unexplained` are lost records without a gap between the records around them. */
function compare(sent: Sent, dataDir: string, ended: readonly string[]) {
  const records = readRecords(dataDir);
  const gaps = gapsIn(dataDir, "all");
  let [recorded, lost, doubled, foreign, unexplained] = [0, 0, 0, 0, 0];
  for (const [name, payloads] of sent) {
    const stream = parseStreamName(name);
    const left = new Map(payloads);
    const received = new Map<string, number>();
    for (const { payload, repaired, recvUs } of records.get(`${stream?.symbol}/${stream?.type.folder}`) ?? []) {
      recorded++;
      if (left.delete(payload)) received.set(payload, recvUs);
      else if (payloads.has(payload)) doubled++;
      else if (!repaired) foreign++;
    }
    const isOver = stream !== null && ended.includes(stream.type.folder);
    const lastUs = Math.max(0, ...received.values());
    lost += isOver ? [...left.values()].filter((us) => us < lastUs).length : left.size;
    const own = gaps.filter((gap) => gap.symbol === stream?.symbol && gap.stream === stream.type.folder);
    unexplained += unexplainedOf([...payloads.keys()], received, own);
  }
  return {
    recorded,
    lost,
    recordedOf: (key: string) => records.get(key)?.length ?? 0,
    doubled,
    foreign,
    unexplained,
    unordered: unorderedFiles(dataDir),
  };
}

function unexplainedOf(sent: readonly string[], received: ReadonlyMap<string, number>, gaps: readonly Gap[]): number {
  let [unexplained, run, beforeUs] = [0, 0, 0];
  for (const payload of [...sent, null]) {
    const us = payload === null ? Number.POSITIVE_INFINITY : received.get(payload);
    if (us === undefined) run++;
    else {
      const [from, to] = [beforeUs, us];
      if (run > 0 && !gaps.some(({ from_us, to_us }) => from_us <= to && to_us >= from)) unexplained += run;
      [run, beforeUs] = [0, us];
    }
  }
  return unexplained;
}

function unorderedFiles(dataDir: string): readonly string[] {
  return dataFiles(dataDir).filter((file) => {
    const times = readLines(dataDir, file).map(({ recvUs }) => recvUs);
    return times.some((us, n) => us < (times[n - 1] ?? 0));
  });
}

/** Gaps as the catalogue has them: those in which something is missing, or all. */
export function gapsIn(dataDir: string, which: "open" | "all" = "open"): readonly Gap[] {
  const database = new Database(join(dataDir, "rt-data.sqlite"), { readonly: true });
  try {
    return database
      .query<Gap, []>("select * from gap")
      .all()
      .filter((gap) => which === "all" || awaitsBackfill(gap));
  } finally {
    database.close();
  }
}

/** Merges every day of a folder without a recorder, as if the day were over. */
export async function mergeAll(dataDir: string): Promise<void> {
  const gaps = gapsIn(dataDir);
  const archiver = createArchiver(
    { dataDir, level: 1, segmentLevel: 1 },
    {
      ...{ startSealWorker, startDayWorker, log: silentLog, recorder: { version: "test", host: "test" } },
      gapsOf: ({ stream, symbol }) => gaps.filter((gap) => gap.stream === stream && gap.symbol === symbol),
    },
  );
  // A stop seals segments within its time limit; the rest is left to the next start.
  for (const path of new Glob("live/**/*.jsonl").scanSync(dataDir)) {
    const found = segmentOfPath(path);
    if (found !== null) archiver.seal(found.segment);
  }
  await archiver.mergeDaysBefore(dateOf(Date.now() * 1000 + 2 * dayUs));
  await until(() => archiver.status().days_waiting === 0, "every day to be merged", 60_000);
  await archiver.stop(0);
}

/** False for a zombie too. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
