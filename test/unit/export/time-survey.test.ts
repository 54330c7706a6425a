import { expect, test } from "bun:test";
import { crc32 } from "node:zlib";
import { joinedCrc } from "../../../server/export/backtest/joined-crc.ts";
import { createTimeSurvey } from "../../../server/export/backtest/time-survey.ts";
import type { RecordTimes } from "../../../server/export/market/market-record.ts";

const startUs = Date.parse("2026-11-21") * 1000;
const ms = (at: number) => startUs + at * 1000;
const record = (recvMs: number, timeMs: number | null, delayMs: number | null, isBackfilled = false): RecordTimes => ({
  ...{ kind: "times", recvUs: ms(recvMs), delayMs, isBackfilled },
  timeUs: timeMs === null ? null : ms(timeMs),
});

function survey(records: readonly RecordTimes[], offsetMs = 0) {
  const times = createTimeSurvey(startUs, offsetMs * 1000);
  for (const next of records) times.add(next);
  return times.finish();
}

test("receipts move until no event arrives sooner than 1 ms after it happened, the recorded offset of the clock counted", () => {
  // Behind by 1275 ms, unknown to the recorder: the quickest event seems to arrive before it happened.
  expect(survey([record(100, 1375, null), record(200, 1500, null)]).addedUs).toBe(1_301_000);
  // The clock was ahead by 200 ms: a receipt at 300 was at 100.
  expect(survey([record(300, 95, 5)], 200).addedUs).toBe(0);
  expect(survey([record(300, 99.5, 5)], 200).addedUs).toBe(500);
  // A backfilled trade was not received at that time.
  expect(survey([record(50, 50, null, true), record(100, 90, 5)]).addedUs).toBe(0);
});

test("a record without a time happened before its receipt by its delay, or by the median of all delays", () => {
  const times = survey([record(0, null, 4), record(1, null, 6), record(2, null, 6), record(3, null, null)]);
  expect(times.medianDelayUs).toBe(6000);
  expect(times.exchangeUs(ms(100), null, 9)).toBe(ms(91));
  expect(times.exchangeUs(ms(100), null, null)).toBe(ms(94));
  expect(times.exchangeUs(ms(100), ms(70), 9)).toBe(ms(70));
  expect(survey([record(0, null, null)])).toMatchObject({ medianDelayUs: null, addedUs: 1000 });
});

test("for each second it is known which exchange times can still come, however late it is", () => {
  const times = survey([record(500, 495, 5), record(1500, 1495, 5), record(2500, 300, 5), record(3500, null, null)]);
  expect([0, 1200, 2900, 3000, 4000].map((at) => times.earliestFrom(ms(at)))).toEqual([
    ...[ms(300), ms(300), ms(300), ms(3495)],
    Number.POSITIVE_INFINITY,
  ]);
});

test("the CRC of two pieces comes from their own, wherever they part", () => {
  const bytes = crypto.getRandomValues(new Uint8Array(3000));
  for (const at of [0, 1, 255, 256, 2999, 3000]) {
    const [first, second] = [bytes.subarray(0, at), bytes.subarray(at)];
    expect([at, joinedCrc(crc32(first), crc32(second), second.length)]).toEqual([at, crc32(bytes)]);
  }
});
