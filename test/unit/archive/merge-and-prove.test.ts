import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { mergeAndProve } from "../../../server/archive/verify/merge-and-prove.ts";
import { dateStartUs } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { readManifest } from "../../../server/storage/manifest.ts";
import { writeRaw } from "../../support/data/day-fixture.ts";
import { temporaryFolder } from "../../support/folder.ts";

const date = "2026-11-21";
const day = { stream: "depth", symbol: "BTCUSDT", date };
const diff = (id: number) =>
  `{"e":"depthUpdate","E":${id},"s":"BTCUSDT","U":${id},"u":${id},"b":[["10.00","${id}.00"]],"a":[]}`;
const image = (id: number, quantity: number) =>
  `{"lastUpdateId":${id},"bids":[["10.00","${quantity}.00"]],"asks":[["11.00","1.00"]]}`;

test("the merge of diffs proves their books and writes the result into the manifest; later updates keep it", async () => {
  const dataDir = temporaryFolder();
  const write = (stream: string, name: string, payloads: readonly string[]) =>
    writeRaw(
      dataDir,
      { stream, symbol: "BTCUSDT", date, name },
      payloads
        .map((payload, n) => encodeLine(payload, dateStartUs(date) + (n + 1 + (name === "00-05" ? 300 : 0)) * 1e6, 5))
        .join(""),
    );
  const merge = (inputs: readonly string[], gaps: readonly never[] = []) =>
    mergeAndProve({ dataDir, day, inputs, level: 3, recorder: { version: "1", host: "h" }, gaps, clockOffsetMs: null });
  write("depthSnapshot", "00-00", [image(1, 1)]);
  write("depth20", "00-00", [image(2, 2), image(4, 4)]);
  write("depth", "00-00", [1, 2, 3, 4].map(diff));
  const first = await merge(["00-00.jsonl"]);
  const book = { proved: 2, compared_levels: 4, differences: 0, unprovable: null };
  expect([first.kind, first.manifest?.book, readManifest(dataDir, day)?.book]).toEqual(["archived", book, book]);

  const official = { sha256: "0".repeat(64), rows: 0, missing: 0, differing: 0, beyond: 0 };
  const job = {
    dataDir,
    day,
    inputs: [],
    level: 3,
    recorder: { version: "1", host: "h" },
    gaps: [],
    clockOffsetMs: null,
  };
  expect((await mergeAndProve({ ...job, official })).manifest?.book).toEqual(book);

  // More rows come late, and a partial book that contradicts them.
  write("depth20", "00-05", [image(6, 7)]);
  write("depth", "00-05", [5, 6].map(diff));
  const second = await merge(["00-05.jsonl"]);
  expect(second.manifest?.book).toEqual({ proved: 3, compared_levels: 6, differences: 1, unprovable: null });
  rmSync(dataDir, { recursive: true, force: true });
});
