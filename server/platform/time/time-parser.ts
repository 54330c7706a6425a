/** How to read a time without an offset and how to write times: in UTC, or in the local time of this machine. */
export type TimeZone = "utc" | "local";

/** The formats that `parseTime` accepts, for error messages. */
export const acceptedTimes =
  "a UTC time such as 2026-11-22, 2026-11-22T15:04 or 2026-11-22T15:04:05.250Z, or one with an offset such as 2026-11-22T15:04+09:00";

/** The formats that `parseInstant` accepts, for error messages. */
export const acceptedInstants =
  "a UTC time such as 2026-11-22 or 2026-11-22T15:04, one with an offset such as 2026-11-22T15:04+09:00, now, today, yesterday, or a time ago such as -30m, -1h or -2d";

const pattern = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * Parses an ISO date or time to µs since the Unix epoch, in `zone` unless the text has an offset.
 * A date means its first moment. Null if the text is invalid, or if the local clocks skipped this time.
 */
export function parseTime(text: string, zone: TimeZone = "utc"): number | null {
  const match = pattern.exec(text.trim());
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const exists = at.getUTCMonth() === month - 1 && at.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!exists) return null;
  const micros = Number((match[7] ?? "").padEnd(6, "0"));
  if (match[8] === undefined && zone === "local") {
    const local = new Date(year, month - 1, day, hour, minute, second);
    // Clocks that are put forward skip an hour.
    return local.getHours() === hour && local.getMinutes() === minute ? local.getTime() * 1000 + micros : null;
  }
  const offset = offsetMinutes(match[8] ?? "Z");
  return offset === null ? null : (at.getTime() - offset * 60_000) * 1000 + micros;
}

/**
 * Parses a time as people type it: a time for `parseTime`, `now`, `today`, `yesterday` or `tomorrow` (the first moment of that day in
 * `zone`), or a duration ago: `-1h`, `-1h30m`. Null if it is none of these.
 */
export function parseInstant(text: string, nowUs: number, zone: TimeZone = "utc"): number | null {
  const word = text.trim().toLowerCase();
  if (word === "now") return nowUs;
  const days = ["yesterday", "today", "tomorrow"].indexOf(word) - 1;
  if (days >= -1) return midnightUs(nowUs, days, zone);
  if (!word.startsWith("-")) return parseTime(text, zone);
  const agoUs = parseDuration(word.slice(1));
  return agoUs === null ? null : nowUs - agoUs;
}

/** Lengths of the units of a duration, s. */
const unitSeconds: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 };

/** Parses a duration such as `90s`, `30m`, `1h30m`, `2d` or `1w` to µs. Null if the text is invalid or the duration zero. */
export function parseDuration(text: string): number | null {
  const word = text.trim().toLowerCase();
  if (!/^(\d{1,6}w)?(\d{1,6}d)?(\d{1,6}h)?(\d{1,6}m)?(\d{1,6}s)?$/.test(word)) return null;
  const parts = word.matchAll(/(\d+)([wdhms])/g);
  const seconds = [...parts].reduce((sum, [, count, unit = ""]) => sum + Number(count) * (unitSeconds[unit] ?? 0), 0);
  return seconds === 0 ? null : seconds * 1e6;
}

/** Returns the first moment of the day that is `days` after today, in µs. */
function midnightUs(nowUs: number, days: number, zone: TimeZone): number {
  const at = new Date(nowUs / 1000);
  if (zone === "utc") return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + days) * 1000;
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + days).getTime() * 1000;
}

/** Formats a time: `2026-11-22T15:04:05.250Z`, local `2026-11-23T00:04:05.250+09:00`. */
export function formatTime(us: number, zone: TimeZone = "utc"): string {
  const at = new Date(us / 1000);
  if (zone === "utc") return at.toISOString();
  const minutes = -at.getTimezoneOffset();
  const wall = new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, -1);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${wall}${minutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
}

function offsetMinutes(text: string): number | null {
  const match = /^([+-])(\d\d):?(\d\d)$/.exec(text);
  if (match === null) return 0;
  const [hours, minutes] = [Number(match[2]), Number(match[3])];
  if (hours > 14 || minutes > 59) return null;
  return (match[1] === "-" ? -1 : 1) * (hours * 60 + minutes);
}
