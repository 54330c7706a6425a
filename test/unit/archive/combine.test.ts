import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { combineArchives } from "../../../server/archive/combine/combine-archives.ts";
import { sharedGaps } from "../../../server/archive/combine/shared-gaps.ts";
import { createIdIndex } from "../../../server/archive/merge/id-index.ts";
import { writeLines } from "../../../server/archive/merge/write-lines.ts";
import { verifyArchive } from "../../../server/archive/verify/verify-archive.ts";
import { archivePath, type Day, dateStartUs, manifestPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { encodeManifest, type Manifest, type ManifestGap, readManifest } from "../../../server/storage/manifest.ts";
import { temporaryData, writeRaw } from "../../support/data/day-fixture.ts";
import { randomRuns } from "../../support/time/random-runs.ts";

const day: Day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-21" };
const startUs = dateStartUs(day.date);

type Row = { id: number; us: number; repaired?: boolean };

let left = "";
let right = "";
let remove = () => {};
beforeEach(() => {
  const [a, b] = [temporaryData(), temporaryData()];
  [left, right] = [a.dataDir, b.dataDir];
  remove = () => {
    a.remove();
    b.remove();
  };
});
afterEach(() => remove());

const nothing = { onForeign: () => {}, onTail: () => {} };

function text(rows: readonly Row[], member = "a"): string {
  return rows
    .map(({ id, us, repaired }) => {
      const line = encodeLine(`{"${member}":${id}}`, startUs + us, repaired ? null : 7);
      return repaired ? line.replace('"net_delay_ms":null', '"net_delay_ms":null,"repaired":true') : line;
    })
    .join("");
}

/** An archive with manifest, of rows in order of time. */
function archive(dataDir: string, rows: readonly Row[], gaps: ManifestGap[] = [], of = day, member = "a"): Manifest {
  const raw = writeRaw(dataDir, { ...of, name: "00-00" }, text(rows, member));
  mkdirSync(dirname(archivePath(dataDir, of)), { recursive: true });
  const written = writeLines({ path: archivePath(dataDir, of), day: of, level: 1 }, [{ path: raw }], nothing, () => {});
  const manifest: Manifest = {
    ...{ manifest_version: 1, recorder: { version: "0", host: dataDir }, gaps, clock_offset_ms: null },
    ...{ repaired: { torn_tails: 0, refetched: 0, foreign_lines: 0 }, segments: [], quarantined: [] },
    ...written,
  };
  writeFileSync(manifestPath(dataDir, of), encodeManifest(manifest));
  return manifest;
}

function combine(of = day) {
  const out = join(left, "combined.jsonl.zst");
  const otherManifest = readManifest(right, of);
  const other = archivePath(right, of);
  const { kind, manifest } = combineArchives({
    ...{ kind: "combine", dataDir: left, day: of, other, otherManifest, out, level: 1 },
    recorder: { version: "0", host: "here" },
  });
  return { kind, manifest, text: Bun.zstdDecompressSync(readFileSync(kind === "same" ? other : out)).toString() };
}

const idsOf = (lines: string) => [...lines.matchAll(/"a":(\d+)/g)].map((match) => Number(match[1]));

test("the combined archive of two recorders has every record exactly once, the earliest line, in order of time", () => {
  const rows = fc
    .record({
      ids: fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 2, maxLength: 200 }),
      skewUs: fc.integer({ min: 0, max: 5_000_000 }),
    })
    .map(({ ids, skewUs }) =>
      // Delays of up to 350 ms at a record each 100 ms: not even the ids of one recorder are in order.
      ids
        .map((id): Row => ({ id, us: id * 100_000 + skewUs + ((id * 7919) % 350_000) }))
        .sort((a, b) => a.us - b.us || a.id - b.id),
    );
  fc.assert(
    fc.property(rows, rows, (ours, theirs) => {
      archive(left, ours);
      archive(right, theirs);
      const combined = combine();
      const best = new Map<number, number>();
      for (const { id, us } of [...ours, ...theirs])
        best.set(id, Math.min(us, best.get(id) ?? Number.MAX_SAFE_INTEGER));
      const expected = [...best].map(([id, us]) => ({ id, us }));
      const found = combined.text
        .trimEnd()
        .split("\n")
        .map((line) => ({ id: idsOf(line)[0] ?? -1, us: Number(/recv_us":(\d+)/.exec(line)?.[1]) - startUs }));
      const byTime = (a: Row, b: Row) => a.us - b.us || a.id - b.id;
      expect([...found].sort(byTime)).toEqual(expected.sort(byTime));
      expect(found.map(({ us }) => us)).toEqual(found.map(({ us }) => us).sort((a, b) => a - b));
      expect(combined.manifest.rows).toBe(best.size);
    }),
    { numRuns: randomRuns(25) },
  );
});

test("a received line is preferred to a backfilled line, whichever is earlier", () => {
  archive(left, [
    { id: 1, us: 10 },
    { id: 2, us: 20, repaired: true },
    { id: 3, us: 40 },
  ]);
  archive(right, [
    { id: 1, us: 11 },
    { id: 2, us: 30 },
    { id: 3, us: 35, repaired: true },
  ]);
  const { text: combined, manifest } = combine();
  expect(idsOf(combined)).toEqual([1, 2, 3]);
  expect(combined).not.toContain("repaired");
  expect(manifest.repaired.refetched).toBe(0);
});

test("a clock that is wrong by a quarter of an hour duplicates no record", () => {
  const ids = Array.from({ length: 50_000 }, (_, n) => n);
  archive(
    left,
    ids.map((id) => ({ id, us: id * 1000 })),
  );
  archive(
    right,
    ids.map((id) => ({ id, us: id * 1000 + 900_000_000 })),
  );
  expect(idsOf(combine().text)).toEqual(ids);
});

test("every stream is combined by its own id", () => {
  const members = { depth20: "lastUpdateId", depth: "u", trade: "t", bookTicker: "u", depthSnapshot: "lastUpdateId" };
  const [ours, theirs] = [
    [
      { id: 1, us: 1 },
      { id: 2, us: 3 },
    ],
    [
      { id: 2, us: 2 },
      { id: 3, us: 4 },
    ],
  ];
  for (const [stream, member] of Object.entries(members)) {
    const of = { ...day, stream };
    archive(left, ours, [], of, member);
    archive(right, theirs, [], of, member);
    const found = [...combine(of).text.matchAll(/:(\d+)\}/g)].map((match) => Number(match[1]));
    expect([stream, found]).toEqual([stream, [1, 2, 3]]);
  }
});

test("if the other archive already has every row, it stays and only its manifest changes", () => {
  archive(left, [
    { id: 1, us: 5 },
    { id: 3, us: 9 },
  ]);
  const theirs = archive(
    right,
    [1, 2, 3].map((id) => ({ id, us: id })),
  );
  const { kind, manifest } = combine();
  expect(kind).toBe("same");
  expect(manifest).toMatchObject({ compressed_sha256: theirs.compressed_sha256, rows: 3 });
  expect(manifest.sources?.map(({ rows }) => rows)).toEqual([3, 2]);
});

test("lines without ids: each recorder's are kept, and a line that both archives hold is there once", () => {
  const facts: Day = { ...day, stream: "exchangeInfo" };
  const instrument = { base: "BTC", quote: "USDT", tick_size: "0.01", step_size: null, status: "TRADING" };
  archive(
    left,
    [1, 3, 9].map((us) => ({ id: 7, us })),
    [],
    facts,
    "tick",
  );
  const theirs = archive(
    right,
    [2, 3, 8, 9].map((us) => ({ id: 7, us })),
    [],
    facts,
    "tick",
  );
  writeFileSync(manifestPath(right, facts), encodeManifest({ ...theirs, instrument }));
  const { kind, manifest, text: lines } = combine(facts);
  expect([kind, manifest.rows, manifest.ids, manifest.instrument]).toEqual(["new", 5, null, instrument]);
  expect([...lines.matchAll(/"recv_us":(\d+)/g)].map(([, us]) => Number(us) - startUs)).toEqual([1, 2, 3, 8, 9]);
  // The bucket's archive holds all of it by now, so combining it again changes no line.
  writeFileSync(archivePath(right, facts), readFileSync(join(left, "combined.jsonl.zst")));
  writeFileSync(manifestPath(right, facts), encodeManifest(manifest));
  expect(combine(facts).kind).toBe("same");
});

test("`verify` finds no problem in a combined archive", async () => {
  archive(left, [
    { id: 1, us: 5 },
    { id: 3, us: 9 },
  ]);
  archive(right, [{ id: 2, us: 7 }]);
  const { manifest } = combine();
  writeFileSync(archivePath(right, day), readFileSync(join(left, "combined.jsonl.zst")));
  writeFileSync(manifestPath(right, day), encodeManifest(manifest));
  expect(await verifyArchive(right, day)).toMatchObject({ kind: "ok", manifest: { first_id: 1, last_id: 3 } });
});

test("ids too far out of order to be compared are an error, not duplicated rows", () => {
  const rows = Array.from({ length: 200_000 }, (_, n) => ({ id: n + 1, us: n }));
  archive(left, [...rows, { id: 5, us: 200_001 }]);
  archive(right, rows);
  expect(() => combine()).toThrow(/too far out of order/);
  const index = createIdIndex(archivePath(right, day), "aggTrade");
  expect([index.arrivalOf(1), index.arrivalOf(200_000), index.arrivalOf(200_001)]).toEqual([
    startUs,
    startUs + 199_999,
    null,
  ]);
  index.close();
});

describe("gaps of a combined archive", () => {
  const gap = (from_us: number, to_us: number, more: Partial<ManifestGap> = {}): ManifestGap => ({
    ...{ from_us, to_us, cause: "reconnect", missing: null, repaired: 0 },
    ...more,
  });
  const covered = (gaps: ManifestGap[], first_recv_us = 0, last_recv_us = 1000) => ({
    gaps,
    first_recv_us,
    last_recv_us,
  });
  const spans = (gaps: readonly ManifestGap[]) => gaps.map(({ from_us, to_us }) => [from_us, to_us]);

  test("are the time spans in which both had a gap", () => {
    const ours = covered([gap(10, 50), gap(100, 200), gap(700, 710)]);
    const theirs = covered([gap(40, 120), gap(150, 160), gap(800, 900)]);
    expect(spans(sharedGaps(ours, theirs))).toEqual([
      [40, 50],
      [100, 120],
      [150, 160],
    ]);
    expect(spans(sharedGaps(theirs, ours))).toEqual(spans(sharedGaps(ours, theirs)));
  });

  test("are not filled by a recorder that did not record yet, or no longer", () => {
    expect(spans(sharedGaps(covered([gap(10, 50), gap(900, 990)]), covered([], 30, 950)))).toEqual([
      [10, 30],
      [950, 990],
    ]);
    expect(sharedGaps(covered([], 30), covered([], 60))).toEqual([]);
  });

  test("are filled by a recorder that backfilled the missing records", () => {
    const refetched = covered([gap(10, 50, { missing: 3, repaired: 3 })]);
    expect(sharedGaps(covered([gap(10, 50)]), refetched)).toEqual([]);
    expect(sharedGaps(refetched, refetched)).toEqual([gap(10, 50, { missing: 3, repaired: 3 })]);
  });

  test("stay if the exchange itself had halted", () => {
    const halted = gap(10, 50, { cause: "halted" });
    expect(sharedGaps(covered([gap(10, 50)]), covered([halted]))).toEqual([halted]);
  });
});
