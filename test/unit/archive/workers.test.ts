import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { levelFor } from "../../../server/archive/merge/compression-planner.ts";
import { createWorkerPool } from "../../../server/archive/workers/worker-pool.ts";
import { createCompressor } from "../../../server/storage/zstd/zstd-stream.ts";
import { loadZstd } from "../../../server/storage/zstd/zstd-wasm.ts";
import { drained, lines, realArchiver, temporaryData, writeDay } from "../../support/data/day-fixture.ts";

const start = (code: string) => () => new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
const answer = "onmessage = ({ data }) => postMessage({ id: data.id, kind: 'done', result: data.job });";
const options = { operation: "work", size: 1, pathOf: (job: number) => `/job/${job}` };

test("jobs are done in order, one after another, and each gets its own answer", async () => {
  const pool = createWorkerPool<number, number>(options, start(answer));
  const outcomes = await Promise.all([1, 2, 3, 4].map((job) => pool.run(job)));
  expect(outcomes).toEqual([1, 2, 3, 4].map((result) => ({ kind: "done", result })));
  await pool.stop();
});

test("a worker that dies fails its job and no other", async () => {
  const code = `onmessage = ({ data }) => { if (data.job === 2) process.exit(3); postMessage({ id: data.id, kind: "done", result: data.job }); };`;
  const pool = createWorkerPool<number, number>(options, start(code));
  const outcomes = await Promise.all([1, 2, 3].map((job) => pool.run(job)));
  expect(outcomes.map((outcome) => outcome.kind)).toEqual(["done", "failed", "done"]);
  expect(outcomes[1]).toMatchObject({ failure: { operation: "work", path: "/job/2" } });
  await pool.stop();
});

test("a worker that hangs is ended, its job fails, the next job runs", async () => {
  const code = `onmessage = ({ data }) => { while (data.job === 1); postMessage({ id: data.id, kind: "done", result: data.job }); };`;
  const pool = createWorkerPool<number, number>({ ...options, silentMs: 200 }, start(code));
  const [hung, next] = await Promise.all([pool.run(1), pool.run(2)]);
  expect(hung).toMatchObject({ kind: "failed", failure: { message: "the worker did not respond for 0.2 s" } });
  expect(next).toEqual({ kind: "done", result: 2 });
  await pool.stop();
});

test("a long job that reports progress is not considered dead", async () => {
  const code = `onmessage = async ({ data }) => {
    for (let n = 0; n < 10; n++) { postMessage({ id: data.id, kind: "alive" }); await Bun.sleep(100); }
    postMessage({ id: data.id, kind: "done", result: data.job });
  };`;
  const pool = createWorkerPool<number, number>({ ...options, silentMs: 500 }, start(code));
  expect(await pool.run(7)).toEqual({ kind: "done", result: 7 });
  await pool.stop();
});

test("stopping ends all waiting, running and later jobs", async () => {
  const pool = createWorkerPool<number, number>(options, start("onmessage = () => { for (;;); };"));
  const jobs = [pool.run(1), pool.run(2)];
  await pool.stop();
  expect(await Promise.all([...jobs, pool.run(3)])).toEqual([
    { kind: "stopped" },
    { kind: "stopped" },
    { kind: "stopped" },
  ]);
});

test("a wasm file that is missing or damaged is an error with its path, not an endless wait", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-wasm-"));
  const damaged = join(folder, "zstd.wasm");
  writeFileSync(damaged, "not wasm");
  await expect(loadZstd(join(folder, "missing.wasm"))).rejects.toThrow("missing.wasm");
  await expect(loadZstd(damaged)).rejects.toThrow(damaged);
  rmSync(folder, { recursive: true });
});

test("every level makes one frame that decompresses to the same", () => {
  const raw = Buffer.from(lines(0, 300));
  for (const level of [1, 3, 12, 15, 19, 22]) {
    const parts: Buffer[] = [];
    const compressor = createCompressor(level, (bytes) => parts.push(Buffer.from(bytes)));
    for (let at = 0; at < raw.length; at += 10_000) compressor.write(raw.subarray(at, at + 10_000));
    compressor.end();
    compressor.close();
    expect(Bun.zstdDecompressSync(Buffer.concat(parts)).equals(raw)).toBe(true);
  }
});

test("the level falls as more work waits, and never exceeds the configured level", () => {
  const gb = 1e9;
  expect(levelFor(19, 20 * gb, 1)).toBe(19);
  expect(levelFor(19, 20 * gb, 20)).toBeLessThan(19);
  const chosen = [1, 50, 100, 500, 1000, 1e6].map((size) => levelFor(19, size * gb, 1));
  expect(chosen).toEqual([...chosen].sort((a, b) => b - a));
  expect(chosen.at(-1)).toBe(3);
  expect(levelFor(5, gb, 1)).toBe(5);
  expect(levelFor(1, 1e6 * gb, 1)).toBe(1);
});

test.skipIf(process.platform !== "linux")(
  "compression yields to recording (only Linux has a priority per thread)",
  async () => {
    const nicenesses = () =>
      readdirSync("/proc/self/task").flatMap((thread) => {
        try {
          return [
            Number(
              readFileSync(`/proc/self/task/${thread}/stat`, "utf8")
                .replace(/^.*\) /s, "")
                .split(" ")[16],
            ),
          ];
        } catch {
          return [];
        }
      });
    const mainNiceness = () =>
      readFileSync(`/proc/self/task/${process.pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ")[16];
    const usual = mainNiceness();
    const { dataDir, remove } = temporaryData();
    const archiver = realArchiver(dataDir, { level: 19 });
    const seen = new Set<number>();
    for (const segment of writeDay(dataDir, { segments: 2 })) archiver.seal(segment);
    await archiver.mergeDaysBefore("2026-11-22");
    while (archiver.status().days_waiting > 0) {
      for (const niceness of nicenesses()) seen.add(niceness);
      await Bun.sleep(1);
    }
    await drained(archiver);
    expect([...seen]).toContain(5);
    expect([...seen]).toContain(15);
    expect(mainNiceness()).toBe(usual);
    await archiver.stop(0);
    remove();
  },
);
