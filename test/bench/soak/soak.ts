/**
 * `bun run bench:soak [--minutes N]` (60): 3,000 messages a second of 160 symbols × 2 streams, a fault each minute, files rotated each
 * minute, dashboards that come and go, some of which never read. Compares the records with the events, and prints
 * Markdown: lost, doubled, memory, descriptors and delay over time. Linux.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../../../server/domain/status.ts";
import { rtData, start } from "../../support/program.ts";
import { cpuUs, residentBytes } from "../cpu.ts";
import { compareWithHappened } from "./soak-compare.ts";
import { createAudience, median, quantile, slope } from "./soak-figures.ts";

const option = (name: string, fallback: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const minutes = option("minutes", 60);
const folder = mkdtempSync(join(tmpdir(), "rt-data-soak-"));
const dataDir = join(folder, "data");
const list = join(folder, "happened.json");

const exchange = start([process.execPath, join(import.meta.dir, "soak-exchange.ts"), list, "60"]);
const addresses = await line(exchange.output, 0);
const { wsUrl, restUrl } = JSON.parse(addresses) as { wsUrl: string; restUrl: string };
const recorder = start([...rtData, "record", "--data-dir", dataDir, "--port", "0"], {
  env: {
    RT_DATA_EXCHANGE_WS_URL: wsUrl,
    RT_DATA_EXCHANGE_REST_URL: restUrl,
    RT_DATA_RECORD_SYMBOLS: Array.from({ length: 160 }, (_, n) => `SYM${n}USDT`).join(","),
    RT_DATA_RECORD_SEGMENT_MINUTES: "1",
  },
});
const url = await recorder.url();
const status = async () => (await (await fetch(`${url}/api/status`)).json()) as Status;
type Sample = Record<"minute" | "memory" | "descriptors" | "p50" | "p99" | "rate" | "cpu" | "exchangeCpu", number>;
const samples: Sample[] = [];
const audience = createAudience(url);
let spent = { at: performance.now(), cpu: cpuUs(recorder.pid), exchangeCpu: cpuUs(exchange.pid) };

try {
  const began = performance.now();
  for (let n = 0; performance.now() - began < minutes * 60_000; n++) {
    await Bun.sleep(5000);
    // Each minute the dashboards leave and others come: 20 that read, 2 that do not.
    if (n % 12 === 0) await audience.renew(20, 2);
    const { symbols, totals } = await status();
    const [p50, p99] = (["delay_p50_ms", "delay_p99_ms"] as const).map((name) =>
      quantile(
        symbols.map((symbol) => symbol[name] ?? 0),
        0.5,
      ),
    );
    samples.push({
      minute: (performance.now() - began) / 60_000,
      memory: residentBytes(recorder.pid) / 1e6,
      descriptors: readdirSync(`/proc/${recorder.pid}/fd`).length,
      p50: p50 ?? 0,
      p99: p99 ?? 0,
      rate: totals.messages_per_s,
      ...cost(),
    });
    const newest = samples.at(-1);
    if (n % 12 === 0) console.error(JSON.stringify(newest));
  }
  audience.leave();
  process.kill(exchange.pid, "SIGUSR1");
  await line(exchange.output, 1);
  await settled();
  const last = await status();
  recorder.kill("SIGTERM");
  const code = await recorder.ended;
  report(last, code);
} finally {
  recorder.kill("SIGKILL");
  exchange.kill("SIGTERM");
  await exchange.ended;
  if (!process.argv.includes("--keep")) rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

/** CPU since the sample before, ms a second: the recorder's, and the exchange's, whose pace is part of every delay. */
function cost(): Pick<Sample, "cpu" | "exchangeCpu"> {
  const now = { at: performance.now(), cpu: cpuUs(recorder.pid), exchangeCpu: cpuUs(exchange.pid) };
  const seconds = (now.at - spent.at) / 1000;
  const of = (name: "cpu" | "exchangeCpu") => (now[name] - spent[name]) / 1000 / seconds;
  const found = { cpu: of("cpu"), exchangeCpu: of("exchangeCpu") };
  spent = now;
  return found;
}

/** Waits until no records arrive and no backfill or sealing is pending. */
async function settled(): Promise<void> {
  for (let still = 0, before = -1; still < 5; ) {
    await Bun.sleep(1000);
    const { totals, archive } = await status();
    still = totals.records === before && totals.holes === 0 && archive.segments_waiting === 0 ? still + 1 : 0;
    before = totals.records;
  }
}

function report(last: Status, code: number | string): void {
  const { faults, happened } = JSON.parse(readFileSync(list, "utf8")) as {
    faults: number;
    happened: Record<string, number[]>;
  };
  const found = compareWithHappened(dataDir, new Map(Object.entries(happened)));
  const settledIn = samples.filter(({ minute }) => minute > Math.min(5, minutes / 3));
  const at = (share: "first" | "last", name: keyof Sample) => {
    const part = Math.ceil(settledIn.length / 5);
    const of = share === "first" ? settledIn.slice(0, part) : settledIn.slice(-part);
    return median(of.map((sample) => sample[name])).toFixed(1);
  };
  const most = (name: keyof Sample) => Math.max(...samples.map((sample) => sample[name])).toFixed(0);
  const perMinute = slope(settledIn.map(({ minute, memory }) => [minute, memory]));
  const { totals } = last;
  console.log(
    [
      `${minutes} minutes, ${faults} faults, ${median(samples.map(({ rate }) => rate)).toFixed(0)} messages/s, the recorder ended with ${code}\n`,
      "| | |",
      "| --- | --- |",
      `| happened at the exchange; recorded | ${found.happened}; ${found.recorded} |`,
      `| lost outside of written gaps; doubled; recorded but never sent | ${found.lost}; ${found.doubled}; ${found.strange} |`,
      `| in written gaps; refetched over REST | ${found.inGaps}; ${totals.records_repaired} |`,
      `| reconnects; rollovers; duplicates left out; put aside | ${totals.reconnects}; ${totals.rollovers}; ${totals.duplicates}; ${totals.quarantined} |`,
      `| memory, first and last fifth; most; slope | ${at("first", "memory")}, ${at("last", "memory")}; ${most("memory")} MB; ${perMinute.toFixed(3)} MB a minute |`,
      `| descriptors, first and last fifth; most | ${at("first", "descriptors")}, ${at("last", "descriptors")}; ${most("descriptors")} |`,
      `| delay p50, first and last fifth | ${at("first", "p50")}, ${at("last", "p50")} ms |`,
      `| delay p99, first and last fifth | ${at("first", "p99")}, ${at("last", "p99")} ms |`,
      `| CPU, first and last fifth: recorder; exchange | ${at("first", "cpu")}, ${at("last", "cpu")}; ${at("first", "exchangeCpu")}, ${at("last", "exchangeCpu")} ms a second |`,
    ].join("\n"),
  );
}

async function line(output: () => string, index: number): Promise<string> {
  for (;;) {
    const lines = output().split("\n");
    if (lines.length > index + 1) return lines[index] ?? "";
    await Bun.sleep(50);
  }
}
