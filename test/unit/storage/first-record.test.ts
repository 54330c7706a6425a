import { afterAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { type Day, dateOf, dateStartUs, dayUs } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { firstRecordUs } from "../../../server/storage/list/first-record.ts";
import { readManifest } from "../../../server/storage/manifest.ts";
import { drained, realArchiver, segmentOf, temporaryData, writeRaw } from "../../support/data/day-fixture.ts";

const { dataDir, remove } = temporaryData();
afterAll(remove);
const series = { stream: "depth20", symbol: "BTCUSDT" };
const nowUs = Date.now() * 1000;
const dayBefore = (days: number): Day => ({ ...series, date: dateOf(nowUs - days * dayUs) });
const hourUs = 3_600_000_000;

function record(day: Day, atUs: number): number {
  const us = dateStartUs(day.date) + atUs;
  writeRaw(dataDir, segmentOf("05-00", day), encodeLine('{"lastUpdateId":1,"bids":[],"asks":[]}', us, null));
  return us;
}

test("the first record is found in open segments, sealed segments and manifests; days of a wrong clock do not count", async () => {
  const gapsOf = (day: Day): Gap[] =>
    day.date === dayBefore(9).date
      ? [
          {
            ...series,
            ...{ from_us: dateStartUs(day.date), to_us: dateStartUs(day.date) + dayUs, cause: "clock" },
            ...{ missing: null, repaired: 0 },
          },
        ]
      : [];
  expect(firstRecordUs(dataDir, series, gapsOf)).toBeNull();
  record({ ...series, date: "1999-12-31" }, 5 * hourUs);
  record(dayBefore(9), 5 * hourUs);
  expect(firstRecordUs(dataDir, series, gapsOf)).toBeNull();
  const second = record(dayBefore(2), 5 * hourUs);
  expect(firstRecordUs(dataDir, series, gapsOf)).toBe(second);
  const first = record(dayBefore(3), 5 * hourUs);
  const archiver = realArchiver(dataDir, { sinceUs: () => first });
  for (const day of [dayBefore(3), dayBefore(2)]) archiver.seal(segmentOf("05-00", day));
  await drained(archiver);
  expect(firstRecordUs(dataDir, series, gapsOf)).toBe(first);
  for (const day of [dayBefore(3), dayBefore(2)]) archiver.merge(day);
  await drained(archiver);
  await archiver.stop(0);
  expect(readManifest(dataDir, dayBefore(2))?.since_us).toBe(first);
  // Retention removes the first day: the next manifest still knows it.
  rmSync(`${dataDir}/archive/stream=depth20/symbol=BTCUSDT/date=${dayBefore(3).date}`, { recursive: true });
  expect(firstRecordUs(dataDir, series, gapsOf)).toBe(first);
});
