import { expect, test } from "bun:test";
import { readRange } from "../../../server/cli/data/time-range.ts";

const nowUs = Date.parse("2026-11-22T15:00:00Z") * 1000;
const us = (text: string) => Date.parse(text) * 1000;

function read(flags: Record<string, string>) {
  const problems: string[] = [];
  return { ...readRange(flags, problems, "utc", nowUs), problems };
}

test("a range is given by times, by words, by a time ago, or as the time until now", () => {
  expect(read({})).toEqual({ fromUs: null, toUs: null, problems: [] });
  expect(read({ from: "yesterday", to: "today" })).toEqual({
    ...{ fromUs: us("2026-11-21T00:00Z"), toUs: us("2026-11-22T00:00Z"), problems: [] },
  });
  expect(read({ from: "-2h", to: "-1h" })).toEqual({
    ...{ fromUs: us("2026-11-22T13:00Z"), toUs: us("2026-11-22T14:00Z"), problems: [] },
  });
  // The end stays open, so that records that arrive meanwhile are included.
  expect(read({ last: "1h" })).toEqual({ fromUs: us("2026-11-22T14:00Z"), toUs: null, problems: [] });
});

test("a range that cannot be is refused in words", () => {
  expect(read({ from: "today", to: "yesterday" }).problems).toEqual(['--from "today" is after --to "yesterday"']);
  expect(read({ from: "2026-11-22", to: "2026-11-22" }).problems).toEqual([
    '--from "2026-11-22" and --to "2026-11-22" are the same time, and --to is exclusive: a date means its first moment; to include that day, give the day after',
  ]);
  expect(read({ last: "1h", to: "now" }).problems).toEqual([
    "--last reaches until now and cannot be combined with --from or --to",
  ]);
});

test("an invalid time is refused with the accepted forms", () => {
  expect(read({ from: "1h" }).problems[0]).toMatch(/^--from "1h" is not accepted; give a UTC time .* -1h or -2d$/);
  expect(read({ last: "60" }).problems).toEqual([
    '--last "60" is not accepted; give a duration such as 30m, 1h, 2d or 1w',
  ]);
  expect(read({ last: "-1h" }).problems).toHaveLength(1);
});
