import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { constants, zstdCompressSync } from "node:zlib";
import { verifyArchive } from "../../../server/archive/verify/verify-archive.ts";
import { verifyStream } from "../../../server/archive/verify/verify-stream.ts";
import { archivePath, manifestPath } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { findRecordedStreams, isArchiveLost } from "../../../server/storage/list/listing.ts";
import { encodeManifest, type Manifest, parseManifest } from "../../../server/storage/manifest.ts";
import { archiveHere, day, line, lines, temporaryData, writeDay, writeRaw } from "../../support/data/day-fixture.ts";
import { archiveDays, refetchedLine, secondOf, tradeLine } from "../../support/data/recorded-data.ts";

let dataDir = "";
let remove = () => {};
let manifest: Manifest;
beforeEach(async () => {
  ({ dataDir, remove } = temporaryData());
  await archiveHere(dataDir, writeDay(dataDir, { segments: 2 }));
  manifest = parseManifest(readFileSync(manifestPath(dataDir, day), "utf8"));
});
afterEach(() => remove());

async function problems(): Promise<string[]> {
  const found = await verifyArchive(dataDir, day);
  return found.kind === "ok" ? [] : found.problems.map((problem) => problem.kind);
}

function compress(text: string): Buffer {
  return zstdCompressSync(Buffer.from(text), { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}

/** Puts other lines into the archive and makes the manifest agree about the file's own bytes. */
function replaceLines(text: string, stated: Partial<Manifest> = {}): void {
  const bytes = compress(text);
  writeFileSync(archivePath(dataDir, day), bytes);
  const sha256 = (data: Uint8Array | string) => new Bun.CryptoHasher("sha256").update(data).digest("hex");
  const raw = { raw_bytes: Buffer.byteLength(text), raw_sha256: sha256(text) };
  const own = { compressed_bytes: bytes.length, compressed_sha256: sha256(bytes) };
  writeFileSync(manifestPath(dataDir, day), encodeManifest({ ...manifest, ...own, ...raw, ...stated }));
}

test("a whole archive is ok, and progress ends at 1", async () => {
  let share = 0;
  expect(await verifyArchive(dataDir, day, (now) => (share = now))).toEqual({ kind: "ok", manifest });
  expect(share).toBe(1);
});

test("a day without a REST book lacks one only if its diffs were recorded in more than two hours", async () => {
  const write = (stream: string, symbol: string, date: string, name: string) => {
    const us = Date.parse(`${date}T${name.replace("-", ":")}Z`) * 1000;
    writeRaw(dataDir, { stream, symbol, date, name }, encodeLine('{"lastUpdateId":1,"bids":[],"asks":[]}', us, null));
  };
  for (const symbol of ["BTCUSDT", "ETHUSDT"]) {
    for (const date of ["2026-11-18", "2026-11-22"]) write("depthSnapshot", symbol, date, "12-00");
    // Nothing ran on the 19th.
    const [segments, merged] =
      symbol === "BTCUSDT"
        ? [["00-00", "00-05", "01-00"], [0]]
        : [
            ["00-00", "01-00", "02-00"],
            [0, 3600, 7200],
          ];
    for (const name of segments) write("depth", symbol, "2026-11-20", name);
    const diffs = { ...day, stream: "depth", symbol };
    await archiveHere(
      dataDir,
      merged.flatMap((from) => writeDay(dataDir, { day: diffs, segments: 1, from })),
    );
  }
  const books = findRecordedStreams(dataDir).filter(({ stream }) => stream.type.folder === "depthSnapshot");
  const options = { dataDir, quick: false, onProgress() {} };
  const verified = (await Promise.all(books.map((stream) => verifyStream(stream, () => null, options)))).flat();
  expect(verified.map(({ symbol, date, silences }) => [symbol, date.slice(-2), silences.length])).toEqual([
    ...[
      ["BTCUSDT", "18", 0],
      ["BTCUSDT", "22", 0],
    ],
    ...[
      ["ETHUSDT", "18", 0],
      ["ETHUSDT", "20", 1],
      ["ETHUSDT", "21", 1],
      ["ETHUSDT", "22", 0],
    ],
  ]);
});

test("ids that are missing around midnight make both days incomplete, and a day without rows between them", async () => {
  const gap: Gap = {
    ...{
      stream: "aggTrade",
      symbol: "BTCUSDT",
      from_us: secondOf("2026-11-18", 86_390),
      to_us: secondOf("2026-11-20", 10),
    },
    ...{ cause: "crash", missing: 10, repaired: 10 },
  };
  const around = (date: string, second: number, id: number) =>
    Array.from({ length: 5 }, (_, n) => tradeLine(secondOf(date, second + n), id + n)).join("");
  // All ten were backfilled, but the rows of these ids are gone.
  for (const lost of [[], [103], [103, 104, 105]]) {
    const folder = temporaryData();
    const segment = { stream: "aggTrade", symbol: "BTCUSDT" } as const;
    const backfilled = Array.from({ length: 10 }, (_, n) => 100 + n).filter((id) => !lost.includes(id));
    const text = (ids: readonly number[], date: string, second: number) =>
      ids.map((id) => refetchedLine(secondOf(date, second) + id * 1000, id)).join("");
    const early = backfilled.filter((id) => id < 105);
    const late = backfilled.filter((id) => id >= 105);
    await archiveDays(
      folder.dataDir,
      [
        { segment: { ...segment, date: "2026-11-18", name: "23-55" }, text: around("2026-11-18", 86_386, 95) },
        { segment: { ...segment, date: "2026-11-18", name: "23-55_02" }, text: text(early, "2026-11-18", 86_392) },
        { segment: { ...segment, date: "2026-11-20", name: "00-00" }, text: around("2026-11-20", 10, 110) },
        { segment: { ...segment, date: "2026-11-20", name: "00-00_02" }, text: text(late, "2026-11-20", 1) },
      ],
      "2026-11-21",
      [gap],
    );
    const [trades] = findRecordedStreams(folder.dataDir);
    if (trades === undefined) throw new Error("no stream");
    const options = { dataDir: folder.dataDir, quick: false, onProgress() {} };
    const verified = await verifyStream(trades, () => [gap], options);
    const ids = `${lost.length} ids are missing`;
    const rest = `and no gap explains it, first ${lost[0]} to ${lost.at(-1)}`;
    expect(verified.map(({ date, problems }) => [date, problems.map(({ detail }) => detail)])).toEqual([
      ["2026-11-18", lost.length === 0 ? [] : [`${ids} before the next recorded day ${rest}`]],
      ["2026-11-19", lost.length === 0 ? [] : [`${ids} before the next recorded day ${rest}`]],
      ["2026-11-20", lost.length === 0 ? [] : [`${ids} ${rest}`]],
    ]);
    folder.remove();
  }
});

test("a single changed bit is found", async () => {
  const bytes = readFileSync(archivePath(dataDir, day));
  for (const at of [0, 5, bytes.length >> 1, bytes.length - 1]) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    writeFileSync(archivePath(dataDir, day), damaged);
    expect((await problems()).length).toBeGreaterThan(0);
  }
});

test("an archive cut short anywhere is found", async () => {
  const bytes = readFileSync(archivePath(dataDir, day));
  for (const length of [0, 3, 1000, bytes.length - 4, bytes.length - 1]) {
    writeFileSync(archivePath(dataDir, day), bytes.subarray(0, length));
    expect(await problems()).toContain("archive_unreadable");
  }
});

test("a second frame after the first, which many readers ignore, is found", async () => {
  const bytes = Buffer.concat([readFileSync(archivePath(dataDir, day)), compress(line(3000))]);
  writeFileSync(archivePath(dataDir, day), bytes);
  expect(await problems()).toContain("archive_unreadable");
});

test("a frame without checksum is found", async () => {
  const bytes = zstdCompressSync(Buffer.from(lines(0, 1800)));
  writeFileSync(archivePath(dataDir, day), bytes);
  expect(await problems()).toContain("frame");
});

test("a missing archive, a missing manifest and an unreadable manifest are distinguished", async () => {
  writeFileSync(manifestPath(dataDir, day), "{");
  expect(await problems()).toEqual(["manifest_unreadable"]);
  writeFileSync(manifestPath(dataDir, day), encodeManifest(manifest).replace(/"rows": \d+/, '"rows": -1'));
  expect(await verifyArchive(dataDir, day)).toMatchObject({
    problems: [{ detail: expect.stringContaining("rows is not a whole number from 0") }],
  });
  rmSync(manifestPath(dataDir, day));
  expect(await problems()).toEqual(["manifest_missing"]);
  writeFileSync(manifestPath(dataDir, day), encodeManifest(manifest));
  rmSync(archivePath(dataDir, day));
  expect(await problems()).toEqual(["archive_missing"]);
});

test("a link that leads nowhere in place of the archive is a missing archive, like a removed one", async () => {
  const days = async () => {
    const [stream] = findRecordedStreams(dataDir);
    const found = stream && (await verifyStream(stream, () => null, { dataDir, quick: false, onProgress() {} }));
    return found?.map(({ state, problems }) => ({ state, problems }));
  };
  rmSync(archivePath(dataDir, day));
  const without = await days();
  expect(without).toEqual([
    { state: "archived", problems: [{ kind: "archive_missing", detail: archivePath(dataDir, day) }] },
  ]);
  symlinkSync("/nowhere/x.jsonl.zst", archivePath(dataDir, day));
  expect(await days()).toEqual(without as Awaited<ReturnType<typeof days>>);
  expect(isArchiveLost(dataDir, day)).toBe(true);
});

test("each statement of the manifest is checked separately", async () => {
  replaceLines(lines(0, 1799));
  expect(await problems()).toEqual(["rows", "minutes", "first_or_last", "first_or_last"]);
  replaceLines(lines(0, 1800), { rows: 1801 });
  expect(await problems()).toEqual(["rows"]);
  replaceLines(lines(0, 1800), { raw_bytes: 1, raw_sha256: "0".repeat(64) });
  expect(await problems()).toEqual(["raw_checksum", "raw_bytes"]);
  replaceLines(lines(0, 1800), { symbol: "ETHUSDT" });
  expect(await problems()).toEqual(["other_day"]);
});

test("rows in the wrong order or of another day, and foreign lines, are found", async () => {
  const rows = lines(0, 1800).split("\n").slice(0, 1800);
  const swapped = [...rows];
  [swapped[60], swapped[61]] = [swapped[61] ?? "", swapped[60] ?? ""];
  replaceLines(`${swapped.join("\n")}\n`);
  expect(await problems()).toEqual(["order"]);
  replaceLines(`${lines(0, 1799)}${line(86_400 + 5, 1799)}`, { last_recv_us: manifest.last_recv_us + 84_606e6 });
  expect(await problems()).toEqual(["minutes", "wrong_day"]);
  replaceLines(`${lines(0, 100)}hello\n${lines(101, 1800)}`);
  expect(await problems()).toEqual(["minutes", "foreign_line"]);
});

test("a manifest is written with its keys in one order, whatever order they had", () => {
  const shuffled = Object.fromEntries(Object.entries(manifest).reverse()) as Manifest;
  const text = encodeManifest({ ...shuffled, recorder: { host: "h", version: "v" } });
  expect(text).toBe(encodeManifest({ ...manifest, recorder: { version: "v", host: "h" } }));
  expect(parseManifest(text)).toEqual({ ...manifest, recorder: { version: "v", host: "h" } });
});
