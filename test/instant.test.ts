import { expect, test } from "bun:test";
import { formatInstant, parseInstant } from "../server/instant.ts";

const written = (text: string) => {
  const us = parseInstant(text);
  return us === null ? null : formatInstant(us);
};

test("dates and times are UTC unless they have an offset; a date is its first moment", () => {
  expect(written("2026-11-22")).toBe("2026-11-22T00:00:00.000Z");
  for (const text of ["2026-11-22T15:04", "2026-11-22 15:04:00", "2026-11-22T15:04Z", "2026-11-22T15:04:00.000z"]) {
    expect(written(text)).toBe("2026-11-22T15:04:00.000Z");
  }
  expect(written("2026-11-22T00:30+09:00")).toBe("2026-11-21T15:30:00.000Z");
  expect(written("2026-11-22T23:30-0130")).toBe("2026-11-23T01:00:00.000Z");
  expect(parseInstant("2026-11-22T00:00:00.000001")).toBe(Date.parse("2026-11-22T00:00:00Z") * 1000 + 1);
});

test("what is no time is none: days and hours that do not exist, other forms", () => {
  for (const text of [
    ...["", "now", "2026-11", "2026-02-30", "2026-13-01", "2026-11-22T24:00", "2026-11-22T15:60", "22.11.2026"],
    ...["2026-11-22T15", "2026-11-22T15:04+25:00", "1763800000", "2026-11-22T15:04:05.1234567"],
  ]) {
    expect([text, parseInstant(text)]).toEqual([text, null]);
  }
});
