/** What `parseInstant` takes, for error messages. */
export const acceptedInstants =
  "a UTC time such as 2026-11-22, 2026-11-22T15:04 or 2026-11-22T15:04:05.250Z, or one with an offset such as 2026-11-22T15:04+09:00";

const pattern = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/** µs since the Unix epoch of a date or time in ISO form, UTC unless it has an offset; null if it is none. A date is its first moment. */
export function parseInstant(text: string): number | null {
  const match = pattern.exec(text.trim());
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const exists = at.getUTCMonth() === month - 1 && at.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  const offset = offsetMinutes(match[8] ?? "Z");
  if (!exists || offset === null) return null;
  return (at.getTime() - offset * 60_000) * 1000 + Number((match[7] ?? "").padEnd(6, "0"));
}

/** `2026-11-22T15:04:05.250Z` */
export function formatInstant(us: number): string {
  return new Date(us / 1000).toISOString();
}

function offsetMinutes(text: string): number | null {
  const match = /^([+-])(\d\d):?(\d\d)$/.exec(text);
  if (match === null) return 0;
  const [hours, minutes] = [Number(match[2]), Number(match[3])];
  if (hours > 14 || minutes > 59) return null;
  return (match[1] === "-" ? -1 : 1) * (hours * 60 + minutes);
}
