import { afterEach, beforeEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import type { Gap } from "../../../../server/domain/gap.ts";
import { bookAt } from "../../../../server/storage/book/book-at.ts";
import { createSourceCheck } from "../../../../server/storage/read/source-check.ts";
import { temporaryFolder } from "../../../support/folder.ts";
import { at, type Row, writeArchive, writeSegments } from "../../../support/simulator/recorded-folder.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const start = at("12:00:00");
const second = 1_000_000;

/** Diffs of ids 2n-1 and 2n, one a second, which set the bid at 10 to n. */
const diffs = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, n) => {
    const id = from + n;
    const payload = `{"e":"depthUpdate","E":${id},"s":"BTCUSDT","U":${2 * id - 1},"u":${2 * id},"b":[["10.00","${id}.00"]],"a":[]}`;
    return [start + id * second, payload];
  });
const image = (id: number) =>
  `{"lastUpdateId":${id},"bids":[["10.00","0.50"],["9.00","5.00"]],"asks":[["11.00","3.00"]]}`;
const restBook = (atSecond: number, id: number): Row => [start + atSecond * second + 1, image(id)];

function read(atUs: number, gaps: readonly Partial<Gap>[] = []) {
  const problems: string[] = [];
  return bookAt(
    { dataDir: folder, symbol: "BTCUSDT", atUs, depth: 20 },
    {
      gapsOf: ({ stream }) => gaps.filter((gap) => gap.stream === stream) as Gap[],
      check: createSourceCheck(),
      onDamage: (_, problem) => problems.push(problem),
    },
  );
}

test("the book is rebuilt from the REST book and the diffs received by the instant, from archives and from open segments", async () => {
  const books = [restBook(3, 2), restBook(3600, 7100)];
  for (const state of ["archive", "sealed", "open"] as const) {
    rmSync(folder, { recursive: true, force: true });
    if (state === "archive") {
      writeArchive(folder, "depth", diffs(1, 4000));
      writeArchive(folder, "depthSnapshot", books);
    } else {
      writeSegments(folder, "depth", diffs(1, 4000), state);
      writeSegments(folder, "depthSnapshot", books, state);
    }
    const early = await read(start + 100.5 * second);
    expect(early).toEqual({
      symbol: "BTCUSDT",
      at_us: start + 100.5 * second,
      source: "depth",
      recv_us: start + 100 * second,
      age_ms: 500,
      last_update_id: 200,
      rest_book: { recv_us: start + 3 * second + 1, last_update_id: 2 },
      bids: [
        ["10.00", "100.00"],
        ["9.00", "5.00"],
      ],
      asks: [["11.00", "3.00"]],
      reason: null,
      gap: null,
      before: null,
    });
    // The REST book of 13:00 is 50 diffs old when it arrives.
    const late = await read(start + 3601.5 * second);
    expect([late.last_update_id, late.bids[0]]).toEqual([7202, ["10.00", "3601.00"]]);
  }
});

test("behind missing ids there is no book until the next REST book, and the nearest partial book is given instead", async () => {
  writeSegments(folder, "depth", [...diffs(1, 100), ...diffs(101, 200)]);
  writeSegments(folder, "depthSnapshot", [restBook(3, 2), restBook(150, 298)]);
  const reason = async (us: number) => {
    const { source, last_update_id, before } = await read(us);
    return source === null ? [(await read(us)).reason, before?.recv_us] : [source, last_update_id];
  };
  expect(await reason(start + 98.5 * second)).toEqual(["depth", 196]);
  // The missing diff may belong on either side of the instant.
  expect(await reason(start + 99.5 * second)).toEqual(["missing_ids", start + 99 * second]);
  expect(await reason(start + 140 * second)).toEqual(["missing_ids", start + 99 * second]);
  expect(await reason(start + 150.5 * second)).toEqual(["depth", 300]);
  writeSegments(folder, "depth5", [[start + 130 * second, image(260)]]);
  const partial = await read(start + 140 * second);
  expect([partial.source, partial.age_ms, partial.last_update_id, partial.rest_book, partial.bids.length]).toEqual([
    "depth5",
    10_000,
    260,
    null,
    2,
  ]);
});

test("in a recorded gap there is no book; its begin and a gap that lost no diff leave the book valid", async () => {
  writeSegments(folder, "depth", [...diffs(1, 100), ...diffs(150, 200)]);
  writeSegments(folder, "depthSnapshot", [restBook(3, 2), restBook(160, 316)]);
  writeSegments(folder, "depth20", [[start + 60 * second, image(120)]]);
  const lost = {
    stream: "depth",
    from_us: start + 99.8 * second,
    to_us: start + 150 * second,
    cause: "reconnect",
  } as const;
  const harmless = {
    stream: "depth",
    from_us: start + 40.2 * second,
    to_us: start + 40.8 * second,
    cause: "crash",
  } as const;
  const gaps = [harmless, lost, { ...lost, stream: "depth20", from_us: start + 61 * second }];
  const { reason, gap, before } = await read(start + 120 * second, gaps);
  expect({ reason, gap, before }).toEqual({
    reason: "gap",
    gap: { from_us: lost.from_us, to_us: lost.to_us, cause: "reconnect" },
    before: { source: "depth", recv_us: start + 99 * second },
  });
  // The gap says that all was received until it began.
  expect((await read(start + 99.5 * second, gaps)).last_update_id).toBe(198);
  expect((await read(start + 50.5 * second, gaps)).last_update_id).toBe(100);
  expect((await read(start + 40.5 * second, gaps)).reason).toBe("gap");
  expect((await read(start + 161.5 * second, gaps)).last_update_id).toBe(322);
});

test("a late diff of a slower connection fills the hole; an instant at which it was still missing has no book", async () => {
  const late = diffs(100, 101).map(([us, payload]): Row => [us + 1.5 * second, payload]);
  const rows = [...diffs(1, 100), ...late, ...diffs(101, 200)].sort(([a], [b]) => a - b);
  writeSegments(folder, "depth", rows);
  writeSegments(folder, "depthSnapshot", [restBook(3, 2)]);
  expect((await read(start + 99.5 * second)).last_update_id).toBe(198);
  expect((await read(start + 101.2 * second)).reason).toBe("missing_ids");
  expect((await read(start + 101.7 * second)).last_update_id).toBe(202);
});

test("behind the last record the book holds for a minute, then it is not proved any more", async () => {
  writeSegments(folder, "depth", diffs(1, 100));
  writeSegments(folder, "depthSnapshot", [restBook(3, 2)]);
  expect((await read(start + 120 * second)).age_ms).toBe(21_000);
  const { source, reason, before } = await read(start + 200 * second);
  expect({ source, reason, before }).toEqual({
    source: null,
    reason: "silent",
    before: { source: "depth", recv_us: start + 99 * second },
  });
});

test("without a REST book, or without any stream of books, the answer says so", async () => {
  expect((await read(start)).reason).toBe("not_recorded");
  writeSegments(folder, "depth", diffs(1, 100));
  expect((await read(start + 50 * second)).reason).toBe("no_rest_book");
  writeSegments(folder, "depthSnapshot", [restBook(90, 178)]);
  expect((await read(start + 50 * second)).reason).toBe("no_rest_book");
  expect((await read(start + 95.5 * second)).last_update_id).toBe(190);
});

test("the first minutes of a day go on from the last REST book of the day before", async () => {
  const midnight = at("00:00:00", "2026-11-23");
  const shifted = (rows: readonly Row[]) =>
    rows.map(([us, payload]): Row => [us - start + midnight - 50 * second, payload]);
  writeArchive(folder, "depth", shifted(diffs(1, 50)));
  writeArchive(folder, "depthSnapshot", shifted([restBook(3, 2)]));
  writeSegments(folder, "depth", shifted(diffs(50, 100)));
  const { last_update_id, rest_book } = await read(midnight + 20.5 * second);
  expect([last_update_id, rest_book?.last_update_id]).toEqual([140, 2]);
});

test("the first seconds of a day show the last partial book of the day before, unless a gap lies over midnight", async () => {
  const midnight = at("00:00:00", "2026-11-23");
  writeArchive(folder, "depth20", [[midnight - 20 * second, image(120)]]);
  writeSegments(folder, "depth20", [[midnight + 40 * second, image(180)]]);
  const { source, last_update_id, age_ms } = await read(midnight + 5 * second);
  expect({ source, last_update_id, age_ms }).toEqual({ source: "depth20", last_update_id: 120, age_ms: 25_000 });
  const gap: Partial<Gap> = {
    stream: "depth20",
    from_us: midnight - 10 * second,
    to_us: midnight + 30 * second,
    cause: "reconnect",
  };
  expect((await read(midnight + 5 * second, [gap])).reason).toBe("gap");
});
