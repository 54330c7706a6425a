/**
 * Upgrades under load, from one executable to another of a different version, through a link that leads to each in turn:
 * `bun test/bench/soak/upgrade.ts [rounds]`. 30 symbols × 5 streams; three upgrades in a row a round. Prints Markdown.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";
import { compile, prepare } from "../../../ops/build.ts";
import { mergeAll, startUpgradable } from "../../support/upgrades.ts";
import { until } from "../../support/wait.ts";

const folder = mkdtempSync(join(tmpdir(), "rt-data-upgrade-"));
const rounds = Number(process.argv[2] ?? "3");
await prepare();
const versions = [await build("9.1.0"), await build("9.2.0")];
const took: number[] = [];
const away: number[] = [];
const memory: number[] = [];
const held: number[] = [];
const lines: string[] = [];
for (let round = 1; round <= rounds; round++) lines.push(await play(round));
rmSync(folder, { recursive: true, force: true });
console.log(`${lines.join("\n")}

An upgrade takes ${range(took)} ms, in which the page is away for ${range(away)} ms; the new process, taking over, has at most ${range(memory)} MB, and holds at most ${range(held)} kB of messages.`);
process.exit(0);

/** This checkout under another version number. */
async function build(version: string): Promise<string> {
  const path = join(folder, `rt-data-${version}`);
  await compile(path, `${process.platform}-${process.arch}`, { version, commit: "bench", committedAt: 0 });
  return path;
}

async function play(round: number): Promise<string> {
  const dataDir = join(folder, `data-${round}`);
  const link = join(folder, `rt-data-${round}`);
  const lead = (to: string) => {
    symlinkSync(to, `${link}.new`);
    renameSync(`${link}.new`, link);
  };
  lead(versions[0] ?? "");
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const env = { RT_DATA_HTTP_PORT: String(port) };
  const market = await startUpgradable({ dataDir, program: [link], symbols: 30, speed: 9, env });
  const page = watchPage(`http://127.0.0.1:${port}/health/live`);
  for (let n = 1; n <= 3; n++) {
    const before = market.sentCount();
    await until(() => market.sentCount() > before + 6000, "data to flow", 20_000);
    const old = market.pid();
    lead(versions[n % 2] ?? "");
    page.reset();
    const { result, tookMs } = await market.upgrade(old);
    if (result.kind !== "handed_over") throw new Error(`${result.reason}\n${market.recorder.errors()}`);
    const expected = n % 2 === 0 ? "9.1.0" : "9.2.0";
    if (result.version !== expected) throw new Error(`version ${result.version} took over, and not ${expected}`);
    took.push(tookMs);
    await until(() => page.isBack(), "the page to be back");
    away.push(page.awayMs());
    memory.push(peakOf(result.pid));
  }
  const rate = market.messagesPerSecond();
  for (const [, most] of market.recorder.errors().matchAll(/most_kilobytes_held=(\d+)/g)) held.push(Number(most));
  page.stop();
  const { sent, recorded, lost, doubled, foreign, unordered, gaps } = await market.finish(market.pid());
  await mergeAll(dataDir);
  const verified = await $`${versions[0]} verify --quiet --data-dir ${dataDir}`.nothrow().quiet();
  rmSync(dataDir, { recursive: true, force: true });
  return `Round ${round}: ${rate} messages/s, ${sent} sent, ${recorded} recorded, lost ${lost}, doubled ${doubled}, foreign ${foreign}, files out of order ${unordered.length}, gaps ${gaps.length}; verify of the merged day: exit ${verified.exitCode}.`;
}

/** Asks for the page all the time. */
function watchPage(url: string) {
  let isRunning = true;
  let lastOk = performance.now();
  let longest = 0;
  let isOk = true;
  void (async () => {
    while (isRunning) {
      try {
        isOk = (await fetch(url, { keepalive: false })).ok;
      } catch {
        isOk = false;
      }
      const now = performance.now();
      if (isOk) {
        longest = Math.max(longest, now - lastOk);
        lastOk = now;
      }
      await Bun.sleep(2);
    }
  })();
  return {
    reset() {
      longest = 0;
      lastOk = performance.now();
    },
    isBack: () => isOk,
    awayMs: () => longest,
    stop() {
      isRunning = false;
    },
  };
}

/** Peak memory of a process, MB. */
function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1000;
}

function range(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b).map((value) => Math.round(value));
  return `${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]}–${sorted.at(-1)})`;
}
