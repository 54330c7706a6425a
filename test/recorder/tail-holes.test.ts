import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { encodeLine, encodeRepairedLine } from "../../server/record.ts";
import { holesInTail } from "../../server/recorder/tail-holes.ts";
import { segmentPath } from "../../server/segment.ts";
import { temporaryFolder } from "../support/folder.ts";

const startUs = Date.parse("2026-11-22T12:00:00Z") * 1000;
const line = (id: number) => encodeLine(`{"e":"aggTrade","a":${id}}`, startUs + id, null);

function segmentOf(stream: string, text: string) {
  const dataDir = temporaryFolder();
  const segment = { stream, symbol: "BTCUSDT", date: "2026-11-22", name: "12-00" };
  const path = segmentPath(dataDir, segment, "open");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return holesInTail(dataDir, segment);
}

test("missing trades between the last records of a segment are found, whatever came late or was refetched, and however large the file is", () => {
  const text = line(1) + line(2) + line(5) + line(4) + encodeRepairedLine('{"a":9}', startUs) + line(6) + line(8);
  const holes = [
    { fromId: 3, toId: 4, fromUs: startUs + 2, toUs: startUs + 5 },
    { fromId: 7, toId: 7, fromUs: startUs + 6, toUs: startUs + 8 },
  ];
  expect(segmentOf("aggTrade", text)).toEqual(holes);
  expect(segmentOf("aggTrade", `${"x".repeat(2_000_000)}\n${text}{"recv_us":17`)).toEqual(holes);
  expect(segmentOf("depth20", text)).toEqual([]);
});
