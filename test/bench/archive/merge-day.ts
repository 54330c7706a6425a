/**
 * `bun merge-day.ts [--gb N] [--level N] [--dashboards N] [--bot] [--dataset] [--json]`: the whole program records 150 messages a second of 15
 * symbols while it merges a day of N raw GB and, with `--dataset`, writes it as Parquet, serves N dashboards and, with `--bot`, answers endless
 * questions; prints its peak memory and how long its main thread stood still, as Markdown. Linux.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type App, createApp } from "../../../server/app/app.ts";
import { verifyArchive } from "../../../server/archive/verify/verify-archive.ts";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { dateOf } from "../../../server/domain/day.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { appConfig } from "../../support/app-config.ts";
import { start } from "../../support/program.ts";
import { until } from "../../support/wait.ts";
import { startSender, symbolNames } from "../processes.ts";
import { writeDayOfLines } from "./day-of-lines.ts";

const option = (name: string, fallback: number) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const gigabytes = option("gb", 2);
const level = option("level", 19);
const dashboards = option("dashboards", 0);
const withBot = process.argv.includes("--bot");
const withDataset = process.argv.includes("--dataset");
const asJson = process.argv.includes("--json");
const isInner = process.argv.includes("--inner");
const day = { stream: "depth20", symbol: "BTCUSDT", date: dateOf(Date.now() * 1000 - 86_400_000_000) };

if (isInner) await measure(process.argv.at(-1) ?? "");
else await prepare();
process.exit(0);

/** The day is written by a process of its own, so that its memory is not counted. */
async function prepare(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "rt-data-merge-"));
  try {
    await writeDayOfLines(dataDir, day, gigabytes * 1e9);
    // Without a catalogue the start would look for the day's holes as well.
    openCatalogue(dataDir).close();
    const words = [import.meta.path, "--inner", "--gb", String(gigabytes), "--level", String(level)];
    if (asJson) words.push("--json");
    if (withBot) words.push("--bot");
    if (withDataset) words.push("--dataset");
    words.push("--dashboards", String(dashboards), dataDir);
    const inner = Bun.spawn([process.execPath, ...words], { stdout: "inherit", stderr: "inherit" });
    await inner.exited;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function measure(dataDir: string): Promise<void> {
  const sender = await startSender(150);
  const telegram = withBot ? await startTelegram() : null;
  const config = appConfig({
    ...telegram?.settings,
    "record.data_dir": dataDir,
    "record.symbols": symbolNames(15).join(","),
    "record.streams": "depth20@100ms",
    "archive.level": level,
    "dataset.enabled": withDataset,
    "record.segment_minutes": 1,
    "exchange.ws_url": sender.wsUrl,
    "exchange.rest_url": sender.restUrl,
  });
  const app = createApp(config, {
    mode: "record",
    log: createLog({ level: "warn", format: "text", color: false }),
  });
  const started = performance.now();
  const { url } = await app.start();
  const audience = watchFrom(url);
  // The program's start is measured elsewhere; the day's worker has begun by then.
  await Bun.sleep(1000);
  writeFileSync("/proc/self/clear_refs", "5");
  const idle = statusOf("VmRSS");
  const cpu = process.cpuUsage();
  const stalls = await standstills(() => app.status().archive.days_merged > 0 || app.status().archive.failures > 0);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const peak = statusOf("VmHWM");
  const { last_archive, last_failure } = app.status().archive;
  const table = withDataset ? await measureDataset(app) : null;
  const controlEndsMs = performance.now() + 20_000;
  const control = await standstills(() => performance.now() > controlEndsMs);
  await app.stop(10_000);
  await sender.stop();
  audience?.kill();
  const chat = (await telegram?.stop()) ?? null;
  const verified = await verifyArchive(dataDir, day);
  if (last_archive === null) throw new Error(`the merge failed: ${last_failure}`);
  const at = (share: number, of = stalls) =>
    (of[Math.min(of.length - 1, Math.floor(of.length * share))] ?? 0).toFixed(1);
  if (asJson) {
    const stalled = Object.fromEntries([0.5, 0.99, 0.999, 1].map((share) => [share, Number(at(share))]));
    console.log(
      JSON.stringify({
        ...{ stalls: stalled, readings: stalls.length, peak, control: Number(at(0.999, control)), chat },
        dataset: table && {
          seconds: table.seconds,
          peak: table.peak,
          stall: Number(at(0.999, table.stalls)),
          most: Number(at(1, table.stalls)),
        },
      }),
    );
    return;
  }
  const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  console.log(
    `${cpus()[0]?.model}, ${cpus().length} cores, Bun ${Bun.version}, level ${level}; archive ${verified.kind}\n`,
  );
  if (chat !== null)
    console.log(`the bot was asked ${chat.asked} times, ${chat.answers} answers, ${chat.pictures} pictures\n`);
  console.log(
    "| raw | archive | seconds | CPU seconds a GB | memory at the beginning | peak | stall p50, ms | p99 | p99.9 | p99.99 | max | readings | without a merge, right after: p99 | p99.9 |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  const perGb = Math.round((user + system) / 1e6 / (last_archive.raw_bytes / 1e9));
  const sizes = [mb(last_archive.raw_bytes), mb(last_archive.compressed_bytes), Math.round(seconds), perGb];
  const memory = [mb(idle), mb(peak)];
  console.log(
    `| ${[...sizes, ...memory, at(0.5), at(0.99), at(0.999), at(0.9999), at(1), stalls.length, at(0.99, control), at(0.999, control)].join(" | ")} |`,
  );
  if (table === null) return;
  const late = [0.5, 0.99, 0.999, 1].map((share) => at(share, table.stalls));
  console.log(
    `\nwhile the dataset was written, ${table.seconds.toFixed(0)} s: stall p50 ${late[0]}, p99 ${late[1]}, p99.9 ${late[2]}, max ${late[3]} ms; peak ${mb(table.peak)}`,
  );
}

/** Measures while the day is written as Parquet, which begins half a minute after its merge. */
async function measureDataset(app: App): Promise<{ stalls: number[]; seconds: number; peak: number }> {
  await Bun.sleep(29_000);
  writeFileSync("/proc/self/clear_refs", "5");
  const started = performance.now();
  const stalls = await standstills(() => {
    const { dataset } = app.status();
    return dataset === null || dataset.days_written + dataset.failures > 0;
  });
  const { dataset } = app.status();
  if (dataset?.days_written !== 1) throw new Error(`the dataset failed: ${JSON.stringify(dataset)}`);
  return { stalls, seconds: (performance.now() - started) / 1000, peak: statusOf("VmHWM") };
}

/** Somebody asks the bot, in a process of its own. */
async function startTelegram() {
  const [token, chat] = ["8123456789:AAFf_a_token_of_the_benchmark_alone12", "77001"];
  const child = start([process.execPath, join(import.meta.dir, "../web/chatter.ts"), token, chat]);
  await until(() => child.output().includes("\n"), "the emulated Telegram", 20_000);
  return {
    settings: {
      "telegram.token": token,
      "telegram.chats": chat,
      "telegram.api_root": child.output().trim(),
    },
    async stop() {
      child.kill("SIGTERM");
      await child.ended;
      return JSON.parse(child.output().trim().split("\n").at(-1) ?? "") as Record<
        "asked" | "answers" | "pictures",
        number
      >;
    },
  };
}

/** Dashboards are looked at from a process of its own. */
function watchFrom(url: string) {
  if (dashboards === 0) return null;
  const at = `${url.replace("http", "ws").replace(/\/dashboard$/, "")}/ws/dashboard`;
  const look = `for (let n = 0; n < ${dashboards}; n++) new WebSocket(${JSON.stringify(at)});`;
  return Bun.spawn([process.execPath, "-e", look], { stdout: "ignore", stderr: "inherit" });
}

/** How much later than asked the event loop came back, ms, each time, in ascending order. */
async function standstills(isOver: () => boolean): Promise<number[]> {
  const found: number[] = [];
  const pauseMs = 5;
  for (let n = 0; n % 200 !== 0 || !isOver(); n++) {
    const before = performance.now();
    await Bun.sleep(pauseMs);
    found.push(Math.max(0, performance.now() - before - pauseMs));
  }
  return found.sort((a, b) => a - b);
}

function statusOf(field: string): number {
  return (
    Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024
  );
}
