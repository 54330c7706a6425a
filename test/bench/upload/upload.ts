/**
 * `bun test/bench/upload/upload.ts [MB] [GB]`: the cost of uploading an archive of N MB for the main thread, with and without a limit
 * of bandwidth, and the memory for uniting two days of N GB of lines each.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createArchiveLifecycle } from "../../../server/app/data/archive-lifecycle.ts";
import { writeLines } from "../../../server/archive/merge/write-lines.ts";
import { archivePath, type Day, manifestPath } from "../../../server/domain/day.ts";
import { createOutput } from "../../../server/platform/files/durable-files.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { encodeManifest, type Manifest } from "../../../server/storage/manifest.ts";
import { appConfig } from "../../support/app-config.ts";
import { day, lines } from "../../support/data/day-fixture.ts";

const megabytes = Number(process.argv[2] ?? 200);
const gigabytes = Number(process.argv[3] ?? 1);
const blank: Manifest = {
  ...{
    manifest_version: 1,
    recorder: { version: "0", host: "bench" },
    ...day,
    rows: 1,
    raw_bytes: 1,
    compressed_bytes: 1,
  },
  ...{ raw_sha256: "0".repeat(64), compressed_sha256: "0".repeat(64), compression_level: 3 },
  ...{ first_recv_us: 1, last_recv_us: 1, first_id: null, last_id: null, rows_per_minute: new Array(1440).fill(0) },
  ...{ gaps: [], delay_p50_ms: null, delay_p99_ms: null, clock_offset_ms: null, segments: [], quarantined: [] },
  repaired: { torn_tails: 0, refetched: 0, foreign_lines: 0 },
};

const root = mkdtempSync(join(tmpdir(), "rt-data-upload-"));
const server = Bun.spawn([process.execPath, join(import.meta.dir, "s3-process.ts")], { stdout: "pipe" });
const port = Number(new TextDecoder().decode((await server.stdout.getReader().read()).value));

try {
  await idle();
  for (const mbps of [0, 400, 100]) await upload(mbps);
  await idle();
  await unite();
} finally {
  server.kill();
  rmSync(root, { recursive: true, force: true });
}

/** Delay caused by the machine itself, without work here: the baseline for the other lines. */
async function idle(): Promise<void> {
  const stalls: number[] = [];
  const startedMs = performance.now();
  for (let lastMs = startedMs; lastMs - startedMs < 4000; ) {
    await Bun.sleep(1);
    const now = performance.now();
    stalls.push(now - lastMs - 1);
    lastMs = now;
  }
  console.log(`idle: main thread late by ${late(stalls)}`);
}

function late(stalls: number[]): string {
  stalls.sort((a, b) => a - b);
  const at = (share: number) => (stalls[Math.floor(stalls.length * share)] ?? 0).toFixed(1);
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}, at most ${at(1 - 1e-9)} ms`;
}

async function upload(mbps: number): Promise<void> {
  const dataDir = join(root, `at-${mbps}`);
  const size = (mbps === 100 ? megabytes / 2 : megabytes) * 1e6;
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  place(dataDir, day, bytes);
  const config = appConfig({
    ...{ "upload.endpoint": `http://127.0.0.1:${port}`, "upload.bucket": "archive", "upload.prefix": `at-${mbps}` },
    ...{ "upload.access_key": "a", "upload.secret_key": "b", "upload.bandwidth_mbps": mbps },
  });
  const deps = {
    dataDir,
    mode: "record" as const,
    nowUs: () => Date.now() * 1000,
    time: () => ({ kind: "confirmed" as const, us: Date.now() * 1000 }),
    recorder: { version: "0", host: "bench" },
    log: silentLog,
  };
  const keeping = createArchiveLifecycle(config, deps);
  const stalls: number[] = [];
  const seconds: number[] = [];
  const before = process.memoryUsage.rss();
  let peak = before;
  keeping.tick(0);
  const startedMs = performance.now();
  let [lastMs, secondMs, sent] = [startedMs, startedMs, 0];
  while ((keeping.status()?.archives_uploaded ?? 0) === 0) {
    await Bun.sleep(1);
    const now = performance.now();
    stalls.push(now - lastMs - 1);
    lastMs = now;
    peak = Math.max(peak, process.memoryUsage.rss());
    if (now - secondMs < 1000) continue;
    const all = keeping.status()?.bytes_sent ?? 0;
    seconds.push(((all - sent) * 8) / 1000 / (now - secondMs));
    [sent, secondMs] = [all, now];
  }
  const took = (performance.now() - startedMs) / 1000;
  await keeping.stop();
  const full = seconds.slice(1, -1).map((one) => Math.round(one));
  console.log(
    `${mbps === 0 ? "no limit" : `${mbps} Mbit/s`}: ${size / 1e6} MB in ${took.toFixed(1)} s; main thread late by ${late(stalls)}; ` +
      `memory +${Math.round((peak - before) / 1e6)} MB; ` +
      `Mbit in each second ${Math.min(...full)}–${Math.max(...full)}`,
  );
}

/** A file in an archive's place, with a manifest that vouches for it as far as uploading looks. */
function place(dataDir: string, of: Day, bytes: Buffer): void {
  mkdirSync(dirname(archivePath(dataDir, of)), { recursive: true });
  writeFileSync(archivePath(dataDir, of), bytes);
  const sha256 = Bun.SHA256.hash(bytes, "hex");
  writeFileSync(
    manifestPath(dataDir, of),
    encodeManifest({ ...blank, ...of, compressed_bytes: bytes.length, compressed_sha256: sha256 }),
  );
}

async function unite(): Promise<void> {
  const sides = [join(root, "left"), join(root, "right")] as const;
  for (const [n, side] of sides.entries()) {
    const raw = join(root, "raw.jsonl");
    const output = createOutput(raw);
    for (let from = 0; output.bytes() < gigabytes * 1e9; from += 500) {
      // Each has nine tenths, so that most rows are there twice and some once.
      if ((from / 500) % 10 !== n) output.write(Buffer.from(lines(from, from + 500).replaceAll("86000.", "85000.")));
    }
    output.close();
    mkdirSync(dirname(archivePath(side, day)), { recursive: true });
    const events = { onForeign: () => {}, onTail: () => {} };
    const { refetched, ...written } = writeLines(
      { path: archivePath(side, day), day, level: 3 },
      [{ path: raw }],
      events,
      () => {},
    );
    writeFileSync(
      manifestPath(side, day),
      encodeManifest({ ...blank, ...written, repaired: { ...blank.repaired, refetched } }),
    );
  }
  const script = `
    import { combineArchives } from "${join(import.meta.dir, "../../../server/archive/combine/combine-archives.ts")}";
    import { readManifest } from "${join(import.meta.dir, "../../../server/storage/manifest.ts")}";
    import { archivePath } from "${join(import.meta.dir, "../../../server/domain/day.ts")}";
    const day = ${JSON.stringify(day)};
    const started = performance.now();
    const other = "${sides[1]}";
    const result = combineArchives({ kind: "combine", dataDir: "${sides[0]}", day, other: archivePath(other, day),
      otherManifest: readManifest(other, day), out: "${root}/out.zst", level: 3, recorder: { version: "0", host: "x" } });
    const peak = /VmHWM:\\s+(\\d+)/.exec(require("node:fs").readFileSync("/proc/self/status", "utf8"))[1];
    console.log(result.manifest.rows + " rows, " + (result.manifest.raw_bytes / 1e9).toFixed(2) + " GB of lines in " +
      ((performance.now() - started) / 1000).toFixed(0) + " s, peak memory of the process " + Math.round(peak / 1024) + " MiB");`;
  const file = join(root, "unite.ts");
  writeFileSync(file, script);
  const rows = sides.map((side) => (JSON.parse(readFileSync(manifestPath(side, day), "utf8")) as Manifest).rows);
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "--smol", file]);
  console.log(`union of ${rows.join(" and ")} rows: ${stdout.toString().trim()}${stderr.toString()}`);
}
