import { afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { archiveFolder, archivePath, type Day, dateOf, manifestPath, segmentPath } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeManifest, type Manifest, parseManifest } from "../../../server/storage/manifest.ts";
import { realRows, rowsText } from "../../support/data/capture-rows.ts";
import {
  archiveDays,
  before,
  bookLine,
  date,
  recordedFolder,
  refetchedLine,
  secondLines,
  secondOf,
  today,
  tradeLine,
} from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";
import { realDataMissing } from "../../support/simulator/real-data.ts";

let original = "";
let dataDir = "";
beforeAll(async () => {
  original = await recordedFolder();
});
beforeEach(() => {
  dataDir = temporaryFolder();
  cpSync(original, dataDir, { recursive: true });
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const trades: Day = { stream: "aggTrade", symbol: "BTCUSDT", date };
const books: Day = { stream: "depth20", symbol: "BTCUSDT", date };

const verify = (...words: string[]) => run(["verify", "--data-dir", dataDir, ...words]);

/** Runs it as a person would, with gaps allowed, and expects that the day is named with this problem and the exit code is 1. */
async function expectFound(day: Day, ...kinds: string[]): Promise<void> {
  const { code, output } = await verify("--allow-gaps", "--quiet");
  expect(output).toContain(`DAMAGED   ${day.stream}  ${day.symbol}  ${day.date}`);
  expect(output.match(/^DAMAGED/gm)).toHaveLength(1);
  for (const kind of kinds) expect(output).toContain(`  ${kind}: `);
  expect(code).toBe(1);
}

function changeBytes(path: string, change: (bytes: Buffer) => Uint8Array): void {
  writeFileSync(path, change(readFileSync(path)));
}

/** Puts other lines into an archive; with `forged`, the manifest agrees in everything that can be computed. */
function changeLines(
  day: Day,
  change: (lines: string[]) => string[],
  forged?: (manifest: Manifest) => Partial<Manifest>,
): void {
  const path = archivePath(dataDir, day);
  const lines = zstdDecompressSync(readFileSync(path)).toString().split("\n").slice(0, -1);
  const text = `${change(lines).join("\n")}\n`;
  const bytes = zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  writeFileSync(path, bytes);
  if (forged === undefined) return;
  const sha256 = (data: Uint8Array | string) => new Bun.CryptoHasher("sha256").update(data).digest("hex");
  const manifest = parseManifest(readFileSync(manifestPath(dataDir, day), "utf8"));
  const raw = { raw_bytes: Buffer.byteLength(text), raw_sha256: sha256(text) };
  const own = { compressed_bytes: bytes.length, compressed_sha256: sha256(bytes) };
  writeFileSync(manifestPath(dataDir, day), encodeManifest({ ...manifest, ...raw, ...own, ...forged(manifest) }));
}

function countsOf(manifest: Manifest, change: number): Partial<Manifest> {
  const rows_per_minute = manifest.rows_per_minute.map((count, minute) => (minute === 5 ? count + change : count));
  return { rows: manifest.rows + change, rows_per_minute };
}

test("complete days are reported as complete; gaps give exit code 1 unless they are allowed", async () => {
  const { code, output } = await verify();
  expect(output.match(/^complete /gm)).toHaveLength(6);
  expect(output).toContain(`complete  depth20  BTCUSDT  ${before}  archived  600 rows`);
  expect(output).toContain(`GAPS      aggTrade  BTCUSDT  ${date}  archived  600 rows`);
  expect(output).toContain(`complete  depth20  BTCUSDT  ${today}  live  400 rows`);
  expect(output).toStartWith("9 days of 3 streams: 6 complete, 3 with gaps, 0 damaged\n\n");
  expect(code).toBe(1);
  expect(await verify("--allow-gaps")).toMatchObject({ code: 0 });
  expect(await verify("--to", date)).toMatchObject({
    code: 0,
    output: expect.stringContaining("3 complete, 0 with gaps"),
  });
}, 60_000);

test("--quiet prints only days with problems", async () => {
  expect(await verify("--quiet", "--to", date)).toEqual({ code: 0, output: "", errors: "" });
  const { code, output } = await verify("--quiet");
  expect(code).toBe(1);
  expect(output.match(/^\w+ /gm)).toEqual(["9 ", "GAPS ", "GAPS ", "GAPS "]);
});

test("a list of more than twenty entries is folded, with problems first; --all lists every day", async () => {
  const folder = temporaryFolder();
  const lines = (day: string) => secondLines(day, 0, 60, bookLine);
  const dates = Array.from({ length: 23 }, (_, n) => dateOf(secondOf("2026-10-01", n * 86_400)));
  const name = "00-00";
  const segments = dates.map((day) => ({ stream: "depth20", symbol: "BTCUSDT", date: day, name }));
  await archiveDays(
    folder,
    segments.map((segment) => ({ segment, text: lines(segment.date) })),
    "2026-11-01",
  );
  changeBytes(archivePath(folder, { ...books, date: dates[20] ?? "" }), (bytes) => bytes.subarray(1));
  const brief = await run(["verify", "--data-dir", folder, "--quick"]);
  expect(brief.output).toStartWith(
    "23 days of 1 stream: 1 complete, 21 with gaps, 1 damaged\n\nDAMAGED   depth20  BTCUSDT  2026-10-21",
  );
  expect(brief.output.match(/^GAPS /gm)).toHaveLength(20);
  expect(brief.output).toContain("\n          and 1 more day with gaps; --all lists them\n");
  const all = await run(["verify", "--data-dir", folder, "--quick", "--all"]);
  expect([all.code, all.output.match(/^(?:complete|GAPS|DAMAGED) /gm)?.length]).toEqual([1, 23]);
  const json = ["verify", "--data-dir", folder, "--quick", "--json"];
  expect(JSON.parse((await run(json)).output).days).toHaveLength(23);
  rmSync(folder, { recursive: true });
}, 60_000);

test("a flipped byte is found, wherever it lies", async () => {
  const size = readFileSync(archivePath(dataDir, books)).length;
  for (const at of [9, size >> 1, size - 1]) {
    changeBytes(archivePath(dataDir, books), (bytes) => {
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes;
    });
    await expectFound(books);
    cpSync(archivePath(original, books), archivePath(dataDir, books));
  }
}, 60_000);

test("a truncated file is found, also by --quick", async () => {
  changeBytes(archivePath(dataDir, trades), (bytes) => bytes.subarray(0, bytes.length - 1));
  await expectFound(trades, "compressed_bytes", "archive_unreadable");
  expect(await verify("--quick", "--allow-gaps")).toMatchObject({
    code: 1,
    output: expect.stringContaining("compressed_bytes: "),
  });
});

test("a missing line is found even if the manifest was forged to match: by ids, or by an empty minute", async () => {
  changeLines(trades, (lines) => lines.toSpliced(330, 1));
  await expectFound(trades, "rows", "raw_checksum", "id_missing");
  cpSync(archivePath(original, trades), archivePath(dataDir, trades));
  changeLines(
    trades,
    (lines) => lines.toSpliced(330, 1),
    (manifest) => countsOf(manifest, -1),
  );
  await expectFound(trades, "id_missing");
});

test("a doubled line is found even if the manifest was forged to match", async () => {
  const twice = (lines: string[]) => lines.toSpliced(330, 0, lines[330] ?? "");
  changeLines(books, twice);
  await expectFound(books, "rows", "raw_checksum", "id_order");
  cpSync(archivePath(original, books), archivePath(dataDir, books));
  changeLines(books, twice, (manifest) => countsOf(manifest, 1));
  await expectFound(books, "id_order");
});

test("a swapped day is found: its archive alone, or with its manifest", async () => {
  const other: Day = { ...books, date: before };
  cpSync(archivePath(dataDir, other), archivePath(dataDir, books));
  await expectFound(books, "raw_checksum", "wrong_day");
  cpSync(manifestPath(dataDir, other), manifestPath(dataDir, books));
  await expectFound(books, "other_day", "wrong_day");
});

test("every edit of a manifest is found: a number, a removed gap, the recorder's name", async () => {
  const edits: ((text: string) => string)[] = [
    (text) => text.replace('"rows": 600', '"rows": 601'),
    (text) => text.replace(/"host": ?"[^"]*"/, '"host": "elsewhere"'),
    (text) =>
      text.replace(/"gaps": .*/, '"gaps": [{"from_us":1,"to_us":2,"cause":"crash","missing":null,"repaired":0}],'),
    (text) => text.replace(/,\n {2}"manifest_sha256".*/, ""),
  ];
  const path = manifestPath(dataDir, { ...trades, date: before });
  const text = readFileSync(path, "utf8");
  for (const edit of edits) {
    expect(edit(text)).not.toBe(text);
    writeFileSync(path, edit(text));
    await expectFound({ ...trades, date: before }, "manifest_changed");
    expect(await verify("--quick", "--allow-gaps")).toMatchObject({ code: 1 });
  }
}, 60_000);

test("an edited manifest with a forged checksum of its own is found by its statements about the data", async () => {
  const edits: [Partial<Manifest>, string][] = [
    [{ rows: 599 }, "rows"],
    [{ first_recv_us: 5 }, "first_or_last"],
    [{ delay_p99_ms: 3 }, "delays"],
    [{ repaired: { torn_tails: 0, refetched: 7, foreign_lines: 0 } }, "refetched"],
    [{ raw_sha256: "0".repeat(64) }, "raw_checksum"],
  ];
  const path = manifestPath(dataDir, trades);
  const manifest = parseManifest(readFileSync(path, "utf8"));
  for (const [edit, kind] of edits) {
    writeFileSync(path, encodeManifest({ ...manifest, ...edit }));
    await expectFound(trades, kind);
  }
}, 60_000);

test("a sealed segment that is damaged is found, and named", async () => {
  const path = segmentPath(dataDir, { ...books, date: today, name: "00-00" }, "sealed");
  changeBytes(path, (bytes) => bytes.subarray(0, bytes.length >> 1));
  await expectFound({ ...books, date: today }, `segment_unreadable: ${path}`);
});

test("an archive or a manifest that is gone is found", async () => {
  rmSync(archivePath(dataDir, books));
  await expectFound(books, "archive_missing");
  cpSync(archivePath(original, books), archivePath(dataDir, books));
  rmSync(manifestPath(dataDir, books));
  await expectFound(books, "manifest_missing");
});

test("ids that are missing are damage unless a gap says so", async () => {
  const hole: Gap = {
    ...{ stream: "aggTrade", symbol: "BTCUSDT", from_us: secondOf(before, 299), to_us: secondOf(before, 310) },
    ...{ cause: "reconnect", missing: 10, repaired: 0 },
  };
  const text = secondLines(before, 0, 300, tradeLine) + secondLines(before, 310, 600, tradeLine);
  for (const gaps of [[], [hole]]) {
    const folder = temporaryFolder();
    await archiveDays(folder, [{ segment: { ...trades, date: before, name: "00-00" }, text }], today, gaps);
    const { code, output } = await run(["verify", "--data-dir", folder, "--allow-gaps"]);
    expect(output.includes("id_missing: 10 ids are missing and no gap explains it, first 300 to 309")).toBe(
      gaps.length === 0,
    );
    expect(output.includes("reconnect, 10 of 10 records absent")).toBe(gaps.length === 1);
    expect(code).toBe(gaps.length === 0 ? 1 : 0);
  }
});

test("a day that is missing completely between other days is reported", async () => {
  rmSync(archiveFolder(dataDir, books), { recursive: true });
  const { code, output } = await verify("--stream", "depth20");
  expect(output).toContain(`GAPS      depth20  BTCUSDT  ${date}  absent  0 rows`);
  expect(output).toContain("2026-11-21T00:00:00.000Z  599 s  no records, and no gap that explains it");
  expect(code).toBe(1);
});

test("consecutive days without files share a line", async () => {
  const folder = temporaryFolder();
  const days = ["2026-11-10", "2026-11-20"].map((date) => ({
    segment: { ...books, date, name: "00-00" },
    text: secondLines(date, 0, 60, bookLine),
  }));
  await archiveDays(folder, days, today);
  const { code, output } = await run(["verify", "--data-dir", folder]);
  expect(output).toContain("GAPS      depth20  BTCUSDT  2026-11-11 to 2026-11-19  absent: no files of 9 days\n");
  expect(output).toContain("11 days of 1 stream: 1 complete, 10 with gaps, 0 damaged");
  expect(code).toBe(1);
});

test("a day stays complete if its missing ids were all backfilled, but not if some are missing or doubled", async () => {
  const hole: Gap = {
    ...{ stream: "aggTrade", symbol: "BTCUSDT", from_us: secondOf(before, 299), to_us: secondOf(before, 310) },
    ...{ cause: "reconnect", missing: 10, repaired: 10 },
  };
  const refetched = (ids: number[]) => ids.map((id) => refetchedLine(secondOf(before, id) - 90_000, id));
  const ids = Array.from({ length: 10 }, (_, n) => 300 + n);
  const verdicts: [number[], Gap[], string, number][] = [
    [ids, [hole], "complete", 0],
    [ids.slice(1), [{ ...hole, repaired: 9 }], "GAPS", 1],
    [ids.slice(1), [hole], "id_missing: 1 ids are missing", 1],
    [[...ids, 305], [hole], "id_order: 1 backfilled rows had already been recorded", 1],
  ];
  for (const [found, gaps, verdict, code] of verdicts) {
    const folder = temporaryFolder();
    const text = secondLines(before, 0, 300, tradeLine) + secondLines(before, 310, 600, tradeLine);
    const segment = { ...trades, date: before, name: "00-00" };
    const repaired = { segment: { ...segment, name: "00-00_02" }, text: refetched(found.toSorted()).join("") };
    await archiveDays(folder, [{ segment, text }, repaired], today, gaps);
    const ran = await run(["verify", "--data-dir", folder]);
    expect(ran.output).toContain(verdict);
    expect(ran.code).toBe(code);
  }
}, 60_000);

test("a minute of a book without a record and without a gap is reported", async () => {
  const folder = temporaryFolder();
  const text = secondLines(before, 0, 240, bookLine) + secondLines(before, 360, 600, bookLine);
  await archiveDays(folder, [{ segment: { ...books, date: before, name: "00-00" }, text }], today);
  const { code, output } = await run(["verify", "--data-dir", folder]);
  expect(output).toContain("2026-11-20T00:04:00.000Z  120 s  no records, and no gap that explains it");
  expect(code).toBe(1);
});

test("--json reports everything", async () => {
  const { code, output } = await verify("--json", "--stream", "aggTrade", "--symbol", "BTCUSDT");
  const report = JSON.parse(output);
  expect(report.complete).toBe(false);
  expect(report.days.map((day: { date: string; complete: boolean }) => [day.date, day.complete])).toEqual([
    [before, true],
    [date, false],
    [today, true],
  ]);
  expect(report.days[1].gaps).toHaveLength(1);
  expect(code).toBe(1);
});

test("an empty folder, a wrong flag or a wrong value is exit code 2: a cron job with a wrong path does not pass", async () => {
  expect(await run(["verify", "--data-dir", temporaryFolder()])).toMatchObject({
    code: 2,
    errors: expect.stringContaining("no records in"),
  });
  expect(await verify("--quik")).toMatchObject({ code: 2, errors: expect.stringContaining('did you mean "--quick"?') });
  expect(await verify("--symbol", "BTCUSTD")).toMatchObject({
    code: 2,
    errors: expect.stringContaining('did you mean "BTCUSDT"?'),
  });
  expect(await run(["verify", "--data-dir", "/nowhere/at/all"])).toMatchObject({
    code: 2,
    errors: expect.stringContaining("the data folder"),
  });
});

test.skipIf(realDataMissing !== "")(
  `real recordings of depth20, diffs, trades, aggTrades and bookTicker are complete: no rule is stricter than the exchange${realDataMissing}`,
  async () => {
    const sets = [
      ["depth20+aggTrade.btc-eth-dot.2021-04-04.jsonl.gz"],
      ["depth20+trade.btc-eth.2024-08-08.jsonl.gz", "raw-depth+trade+bookTicker.btc-eth.2024-08-08.jsonl.gz"],
    ];
    for (const [n, names] of sets.entries()) {
      const folder = temporaryFolder();
      const files = [...realRows(names).values()].map(({ segment, rows }) => ({ segment, text: rowsText(rows) }));
      await archiveDays(folder, files, today);
      const { code, output } = await run(["verify", "--data-dir", folder]);
      const count = [6, 8][n];
      expect(output).toContain(`${count} days of ${count} streams: ${count} complete, 0 with gaps, 0 damaged`);
      expect(code).toBe(0);
    }
  },
  30_000,
);
