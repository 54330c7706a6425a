import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLines } from "../../../server/storage/read/archive-reader.ts";
import { createFrameWalker } from "../../../server/storage/zstd/zstd-frame.ts";
import { createCompressor } from "../../../server/storage/zstd/zstd-stream.ts";
import { line, lines, temporaryData } from "../../support/data/day-fixture.ts";

let dataDir = "";
let remove = () => {};
beforeEach(() => {
  ({ dataDir, remove } = temporaryData());
});
afterEach(() => remove());

async function all(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of readLines(path)) found.push(...batch);
  return found;
}

function write(name: string, bytes: Uint8Array | string): string {
  const path = join(dataDir, name);
  writeFileSync(path, bytes);
  return path;
}

test("every line comes once and in order, plain or compressed", async () => {
  const text = lines(0, 3000);
  const expected = text.trimEnd().split("\n");
  expect(await all(write("a.jsonl", text))).toEqual(expected);
  expect(await all(write("a.jsonl.zst", Bun.zstdCompressSync(text)))).toEqual(expected);
});

test("lines longer than any buffer, and letters of several bytes across its border, come whole", async () => {
  const expected = [`${"가".repeat(200_000)}`, line(1).trimEnd(), "x".repeat(3_000_000), ""];
  const text = `${expected.join("\n")}\n`;
  expect(await all(write("a.jsonl", text))).toEqual(expected);
  expect(await all(write("a.jsonl.zst", Bun.zstdCompressSync(text)))).toEqual(expected);
});

test("the torn last line of a file that is being written is not returned", async () => {
  expect(await all(write("a.jsonl", `${line(1)}${line(2).slice(0, 50)}`))).toEqual([line(1).trimEnd()]);
  expect(await all(write("b.jsonl", line(2).slice(0, 50)))).toEqual([]);
  expect(await all(write("c.jsonl", ""))).toEqual([]);
});

test("a damaged or truncated file is an error that names it, never a silent end", async () => {
  const bytes = Bun.zstdCompressSync(lines(0, 3000));
  const damaged = Buffer.from(bytes);
  damaged.fill(0xff, 2000, 2100);
  const cases: [string, Uint8Array][] = [
    ["cut.jsonl.zst", bytes.subarray(0, bytes.length - 1)],
    ["half.jsonl.zst", bytes.subarray(0, bytes.length >> 1)],
    ["damaged.jsonl.zst", damaged],
    ["text.jsonl.zst", Buffer.from("no zstd at all, but text")],
    ["empty.jsonl.zst", Buffer.of()],
  ];
  for (const [name, content] of cases) {
    const path = write(name, content);
    await expect(all(path)).rejects.toMatchObject({ name: "FileError", operation: "read", path });
  }
  await expect(all(join(dataDir, "missing.jsonl"))).rejects.toMatchObject({ path: join(dataDir, "missing.jsonl") });
});

test("a reader that stops early closes its file", async () => {
  const path = write("a.jsonl.zst", Bun.zstdCompressSync(lines(0, 20_000)));
  const openFiles = () => Array.from(new Bun.Glob("*").scanSync({ cwd: "/proc/self/fd", onlyFiles: false })).length;
  const before = openFiles();
  for (let n = 0; n < 20; n++) for await (const _ of readLines(path)) break;
  while (openFiles() > before + 2) await Bun.sleep(5);
  expect(openFiles()).toBeLessThanOrEqual(before + 2);
});

test("the shape of frames is seen without decompressing, in pieces of any size", () => {
  const parts: Buffer[] = [];
  const compressor = createCompressor(3, (bytes) => parts.push(Buffer.from(bytes)));
  compressor.write(Buffer.from(lines(0, 2000)));
  compressor.end();
  compressor.close();
  const frame = Buffer.concat(parts);
  expect(Bun.zstdDecompressSync(frame).toString()).toBe(lines(0, 2000));
  const shapeOf = (bytes: Buffer, step: number) => {
    const walker = createFrameWalker();
    for (let at = 0; at < bytes.length; at += step) walker.push(bytes.subarray(at, at + step));
    return walker.shape();
  };
  const plain = Buffer.from(Bun.zstdCompressSync("a"));
  for (const step of [1, 2, 3, 1000, frame.length * 2]) {
    expect(shapeOf(frame, step)).toEqual({ frames: 1, complete: true, checksum: true });
    expect(shapeOf(frame.subarray(0, -1), step)).toMatchObject({ frames: 1, complete: false });
    expect(shapeOf(Buffer.concat([frame, plain]), step)).toEqual({ frames: 2, complete: true, checksum: false });
  }
  expect(readFileSync(write("x", frame))).toEqual(frame);
});
