import { expect, test } from "bun:test";
import type { VerifiedDay } from "../../../server/archive/verify/verify-stream.ts";
import { clipDay, reportText } from "../../../server/cli/data/verify-report.ts";
import { dateOf } from "../../../server/domain/day.ts";

const dayUs = 86_400_000_000;
const firstUs = Date.parse("2026-01-01T00:00Z") * 1000;

function day(n: number, changes: Partial<VerifiedDay> = {}): VerifiedDay {
  const date = dateOf(firstUs + n * dayUs);
  const sound = { state: "archived", rows: 5, isInvented: false, problems: [], gaps: [], silences: [] } as const;
  return { stream: "depth20", symbol: "BTCUSDT", date, ...sound, ...changes };
}

const damaged = { problems: [{ kind: "rows", detail: "rows: 4; the manifest states 5" }] } as const;
const gapped = { silences: [{ fromUs: firstUs, toUs: firstUs + 2e6 }] };
const everything = { fromUs: Number.NEGATIVE_INFINITY, toUs: Number.POSITIVE_INFINITY };
const options = { zone: "utc", isShown: () => true, isFolded: true, range: everything } as const;
const many = (count: number, from: number, changes: Partial<VerifiedDay> = {}) =>
  Array.from({ length: count }, (_, n) => day(from + n, changes));

test("the summary comes first, then every day of a short list in order", () => {
  expect(reportText([day(0), day(1, damaged), day(2, gapped)], options)).toBe(
    [
      "3 days of 1 stream: 1 complete, 1 with gaps, 1 damaged",
      "",
      "complete  depth20  BTCUSDT  2026-01-01  archived  5 rows",
      "DAMAGED   depth20  BTCUSDT  2026-01-02  archived  5 rows",
      "          rows: rows: 4; the manifest states 5",
      "GAPS      depth20  BTCUSDT  2026-01-03  archived  5 rows",
      "          2026-01-01T00:00:00.000Z  2 s  no records, and no gap that explains it",
      "",
    ].join("\n"),
  );
});

test("a long list names damaged days and days with gaps, twenty of each, and counts the rest", () => {
  const days = [...many(1000, 0), ...many(25, 1000, gapped), ...many(2, 1025, damaged)];
  const lines = reportText(days, options).split("\n");
  expect(lines[0]).toBe("1,027 days of 1 stream: 1,000 complete, 25 with gaps, 2 damaged");
  expect(lines[2]).toStartWith("DAMAGED   depth20  BTCUSDT  2028-10-22");
  expect(lines.filter((line) => line.startsWith("GAPS"))).toHaveLength(20);
  expect(lines).toContain("          and 5 more days with gaps; --all lists them");
  expect(lines.at(-2)).toBe("complete  1,000 days; --all lists them");
  expect(reportText(days, { ...options, isFolded: false }).match(/^\S+ +depth20/gm)).toHaveLength(1027);
});

test("days in a row without any file are one entry, and all of them are counted", () => {
  const absent = many(30, 1, { state: "absent", rows: 0, ...gapped });
  expect(reportText([day(0), ...absent, day(31)], options)).toContain(
    "GAPS      depth20  BTCUSDT  2026-01-02 to 2026-01-31  absent: no files of 30 days",
  );
});

test("a report of problems only counts all days in its summary", () => {
  const quiet = { ...options, isShown: ({ problems }: VerifiedDay) => problems.length > 0 };
  expect(reportText([day(0), day(1, damaged)], quiet)).toMatch(
    /^2 days of 1 stream: 1 complete, 0 with gaps, 1 damaged\n\nDAMAGED .*\n +rows: .*\n$/,
  );
  expect(reportText([day(0)], quiet)).toBe("1 day of 1 stream: 1 complete, 0 with gaps, 0 damaged\n");
});

test("closed gaps are counted in words: one gap was, two gaps were", () => {
  const gap = {
    stream: "depth20",
    symbol: "BTCUSDT",
    from_us: firstUs,
    to_us: firstUs + 2e6,
    cause: "restart",
  } as const;
  const closed = { ...gap, missing: 3, repaired: 3 };
  expect(reportText([day(0, { gaps: [closed] })], options)).toContain(" 1 gap was completely backfilled");
  expect(reportText([day(0, { gaps: [closed, closed] })], options)).toContain(" 2 gaps were completely backfilled");
});

test("a range that cuts a day leaves the gaps of the range, and the report says so", () => {
  const hour = { fromUs: firstUs + 3600e6, toUs: Number.POSITIVE_INFINITY };
  const clipped = clipDay(day(0, gapped), hour);
  expect(clipped.silences).toEqual([]);
  expect(reportText([clipped], { ...options, range: hour })).toStartWith(
    "1 day of 1 stream: 1 complete, 0 with gaps, 0 damaged\nonly gaps from 2026-01-01T01:00:00.000Z count; the files of these days are checked as a whole\n",
  );
  const whole = { fromUs: firstUs, toUs: firstUs + dayUs };
  expect(clipDay(day(0, gapped), whole).silences).toEqual(gapped.silences);
  expect(reportText([day(0)], { ...options, range: whole })).not.toContain("only gaps");
});
