import { expect, test } from "bun:test";
import { join } from "node:path";
import { formatTime, parseDuration, parseInstant, parseTime } from "../../../server/platform/time/time-parser.ts";

const written = (text: string) => {
  const us = parseTime(text);
  return us === null ? null : formatTime(us);
};

test("dates and times are UTC unless they have an offset; a date means its first moment", () => {
  expect(written("2026-11-22")).toBe("2026-11-22T00:00:00.000Z");
  for (const text of ["2026-11-22T15:04", "2026-11-22 15:04:00", "2026-11-22T15:04Z", "2026-11-22T15:04:00.000z"]) {
    expect(written(text)).toBe("2026-11-22T15:04:00.000Z");
  }
  expect(written("2026-11-22T00:30+09:00")).toBe("2026-11-21T15:30:00.000Z");
  expect(written("2026-11-22T23:30-0130")).toBe("2026-11-23T01:00:00.000Z");
  expect(parseTime("2026-11-22T00:00:00.000001")).toBe(Date.parse("2026-11-22T00:00:00Z") * 1000 + 1);
});

test("invalid times are rejected: days and hours that do not exist, other formats", () => {
  for (const text of [
    ...["", "now", "2026-11", "2026-02-30", "2026-13-01", "2026-11-22T24:00", "2026-11-22T15:60", "22.11.2026"],
    ...["2026-11-22T15", "2026-11-22T15:04+25:00", "1763800000", "2026-11-22T15:04:05.1234567"],
  ]) {
    expect([text, parseTime(text)]).toEqual([text, null]);
  }
});

const nowUs = Date.parse("2026-11-22T15:04:05Z") * 1000;
const meant = (text: string) => {
  const us = parseInstant(text, nowUs);
  return us === null ? null : formatTime(us);
};

test("words and durations ago count from now; a day is its first moment", () => {
  expect([meant("now"), meant("-90s"), meant("-1h"), meant("-1h30m"), meant("-2d"), meant("-1w")]).toEqual([
    "2026-11-22T15:04:05.000Z",
    "2026-11-22T15:02:35.000Z",
    "2026-11-22T14:04:05.000Z",
    "2026-11-22T13:34:05.000Z",
    "2026-11-20T15:04:05.000Z",
    "2026-11-15T15:04:05.000Z",
  ]);
  expect([meant("yesterday"), meant("Today"), meant("tomorrow"), meant("2026-11-20")]).toEqual([
    "2026-11-21T00:00:00.000Z",
    "2026-11-22T00:00:00.000Z",
    "2026-11-23T00:00:00.000Z",
    "2026-11-20T00:00:00.000Z",
  ]);
});

test("durations need a unit, larger units first, and are longer than zero", () => {
  expect([parseDuration("1h30m"), parseDuration(" 2D "), parseDuration("90s")]).toEqual([5400e6, 172_800e6, 90e6]);
  for (const text of ["", "1", "h", "1x", "30m1h", "0s", "-1h", "1.5h", "1 h", "12345678h"])
    expect([text, parseDuration(text)]).toEqual([text, null]);
  for (const text of ["-1", "-", "--1h", "+1h", "-0s", "1h", "yesterday 12:00", ""])
    expect([text, meant(text)]).toEqual([text, null]);
});

/** Evaluates an expression in a separate process with the given time zone. */
function inZone(zone: string, code: string): string {
  const source = `import { parseInstant, parseTime, formatTime } from ${JSON.stringify(join(import.meta.dir, "../../../server/platform/time/time-parser.ts"))};
    console.log(${code});`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", source], { env: { TZ: zone } });
  return stdout.toString().trim();
}

test("local times use the machine's time zone; an explicit offset wins", () => {
  const seconds = (text: string) => `parseTime("${text}", "local") / 1e6`;
  const utc = (text: string) => String(Date.parse(text) / 1000);
  expect(inZone("Asia/Seoul", seconds("2026-11-22T09:00"))).toBe(utc("2026-11-22T00:00Z"));
  expect(inZone("Asia/Seoul", seconds("2026-11-22"))).toBe(utc("2026-11-21T15:00Z"));
  expect(inZone("Asia/Seoul", seconds("2026-11-22T09:00Z"))).toBe(utc("2026-11-22T09:00Z"));
  expect(inZone("America/New_York", seconds("2026-07-01T12:00"))).toBe(utc("2026-07-01T16:00Z"));
  expect(inZone("America/New_York", seconds("2026-12-01T12:00"))).toBe(utc("2026-12-01T17:00Z"));
});

test("today and yesterday are local days, also when clocks are put forward", () => {
  const at = (text: string, word: string) =>
    `formatTime(parseInstant("${word}", ${Date.parse(text) * 1000}, "local"), "local")`;
  expect(inZone("Asia/Seoul", at("2026-11-22T15:04Z", "today"))).toBe("2026-11-23T00:00:00.000+09:00");
  expect(inZone("Asia/Seoul", at("2026-11-22T14:59Z", "yesterday"))).toBe("2026-11-21T00:00:00.000+09:00");
  expect(inZone("America/New_York", at("2026-03-09T12:00Z", "yesterday"))).toBe("2026-03-08T00:00:00.000-05:00");
});

test("a local time that was skipped when clocks were put forward is rejected", () => {
  expect(inZone("America/New_York", 'parseTime("2026-03-08T02:30", "local")')).toBe("null");
});

test("local times are written with their offset and can be read back", () => {
  const us = Date.parse("2026-11-22T15:04:05.250Z") * 1000;
  expect(inZone("Asia/Seoul", `formatTime(${us}, "local")`)).toBe("2026-11-23T00:04:05.250+09:00");
  expect(inZone("America/St_Johns", `formatTime(${us}, "local")`)).toBe("2026-11-22T11:34:05.250-03:30");
  expect(inZone("America/St_Johns", `parseTime(formatTime(${us}, "local")) === ${us}`)).toBe("true");
});
