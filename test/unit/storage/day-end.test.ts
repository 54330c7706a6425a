import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Gap } from "../../../server/domain/gap.ts";
import { archiveEndsInGap, dayEndsInGap } from "../../../server/storage/day-end.ts";
import {
  archiveHere,
  day,
  dayUs,
  line,
  lines,
  sealHere,
  segmentOf,
  temporaryData,
  writeRaw,
} from "../../support/data/day-fixture.ts";

let dataDir = "";
let remove = () => {};
beforeAll(() => {
  ({ dataDir, remove } = temporaryData());
});
afterAll(() => remove());

const at = (second: number) => dayUs + second * 1e6;
const gap = (from: number, to: number, more: Partial<Gap> = {}): Gap => ({
  ...{ stream: day.stream, symbol: day.symbol, from_us: at(from), to_us: at(to) },
  ...{ cause: "silent", missing: null, repaired: 0, ...more },
});

/** Gaps of a day whose last row is of its second 1199, and whether its rows end with them. */
const cases: readonly (readonly [Gap, boolean])[] = [
  [gap(1199, 1210), true],
  [gap(1199, 86_400), true],
  [gap(1100, 1199), false],
  [gap(1199, 1210, { missing: 4, repaired: 4 }), false],
  [gap(1199, 1210, { cause: "halted" }), false],
];

test("a day that is not merged ends in a gap if no row follows it: the newest of all segments counts, open, sealed or torn", async () => {
  const [first, second] = [segmentOf("00-00"), segmentOf("00-15")];
  writeRaw(dataDir, first, lines(0, 900));
  await sealHere(dataDir, [first]);
  writeRaw(dataDir, second, `${lines(900, 1100)}`);
  // A segment of the same window, from a restart, and a torn line that is no row.
  writeRaw(dataDir, segmentOf("00-15_02"), `${lines(1100, 1200)}${line(1300).slice(0, 60)}`);
  for (const [of, ends] of cases) expect([of, dayEndsInGap(dataDir, day, () => [of])]).toEqual([of, ends]);
  expect(dayEndsInGap(dataDir, day, () => null)).toBe(false);
  expect(dayEndsInGap(dataDir, { ...day, symbol: "ETHUSDT" }, () => [gap(1199, 1210)])).toBe(false);
  expect(archiveEndsInGap(dataDir, day)).toBeNull();
});

test("a merged day is judged by its manifest alone", async () => {
  for (const [n, [of, ends]] of cases.entries()) {
    const symbol = `S${n}USDT`;
    const segment = segmentOf("00-15", { ...day, symbol });
    writeRaw(dataDir, segment, lines(900, 1200));
    await archiveHere(dataDir, [segment], { gapsOf: () => [of] });
    expect([of, dayEndsInGap(dataDir, segment, () => [gap(1199, 1210)])]).toEqual([of, ends]);
  }
});
