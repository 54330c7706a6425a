import { afterEach, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createAppHistory } from "../../../server/app/data/history.ts";
import { withUncountedMinutes } from "../../../server/app/data/uncounted-minutes.ts";
import { dateStartUs, segmentPath } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { bookLine } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";

const date = "2026-11-22";
const day = dateStartUs(date);
const minute = 60_000_000;
const nowUs = day + 20 * minute;
const dataDir = temporaryFolder();
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const gap = (from: number, to: number): Gap => ({
  ...{ stream: "depth20", symbol: "BTCUSDT", from_us: day + from * minute, to_us: day + to * minute },
  ...{ cause: "restart" as const, missing: null, repaired: 0 },
});

test("after the loss of the catalogue, today's recorded books are not missing: only the recorded gap is", async () => {
  const stream = parseStreamName("btcusdt@depth20@100ms") as Stream;
  const segment = segmentPath(dataDir, { stream: "depth20", symbol: "BTCUSDT", date, name: "00-00" }, "open");
  mkdirSync(dirname(segment), { recursive: true });
  writeFileSync(segment, `${bookLine(day + 5 * minute, 1)}\n`);
  const gaps = [gap(15, 18)];
  const history = createAppHistory({
    ...{ dataDir, streams: [stream], nowUs: () => nowUs, log: silentLog, onGap: () => {}, gapsOf: () => gaps },
    lasts: () => [["depth20", "BTCUSDT", day + 15 * minute, null]],
    catalogue: {
      memory: { minutes: () => [], mids: () => [], series: () => [] },
      gapPages: { pieces: () => [gaps] },
    } as never,
  });
  history.start();
  history.observe(stream, "{}", day + 18 * minute);
  history.observe(stream, "{}", day + 19 * minute);
  const detail = await history.history.day({ stream: "depth20", symbol: "BTCUSDT", date });
  expect(detail).toMatchObject({
    missing_s: 180,
    spans: [
      [0, 5, "before"],
      [5, 15, "recorded"],
      [15, 18, "missing"],
      [18, 20, "recorded"],
      [20, 1440, "ahead"],
    ],
  });
});

test("minutes after the last stored count are filled up to the last record on disk, except inside a gap", () => {
  const rows = new Uint16Array(1440);
  rows.fill(600, 2, 5);
  const saved = { dayStart: day, firstUs: day + 2 * minute, lastUs: day + 4.5 * minute, rows };
  const recorded = { fromUs: day + 2 * minute, toUs: day + 9.5 * minute };
  const whole = withUncountedMinutes(saved, recorded, day, [gap(6, 8)]);
  expect([...whole.rows.slice(0, 11)]).toEqual([0, 0, 600, 600, 600, 1, 0, 0, 1, 1, 0]);
  expect(whole).toMatchObject({ firstUs: day + 2 * minute, lastUs: day + 9.5 * minute });
});
