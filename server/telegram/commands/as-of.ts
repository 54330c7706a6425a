import { zoneName } from "../amounts.ts";
import { type Ask, fill } from "../command.ts";

/** When the numbers above were true; it also makes a refreshed message differ from the one before. */
export function asOf(us: number, ask: Ask): string {
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  const time = new Intl.DateTimeFormat("en-GB", { ...options, ...zoneOf(ask) }).format(us / 1000);
  return `<i>${fill(ask.say.asOf, { time, zone: zoneName(us, ask.timeZone) })}</i>`;
}

/** `11-24 15:04`, as short as a list needs it. */
export function shortTime(us: number, ask: Ask): string {
  const options = { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const parts = new Intl.DateTimeFormat("en-GB", { ...options, ...zoneOf(ask) }).formatToParts(us / 1000);
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.find(({ type }) => type === name)?.value ?? "";
  return `${part("month")}-${part("day")} ${part("hour")}:${part("minute")}`;
}

/** `0.1s`, `12s`, `3m`, `5h`, `2d`: four letters at most. */
export function shortAge(us: number): string {
  const seconds = Math.max(0, us) / 1e6;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  if (seconds < 100) return `${Math.round(seconds)}s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)}m`;
  return seconds < 360_000 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`;
}

function zoneOf({ timeZone }: Ask): { timeZone?: string } {
  return timeZone === undefined ? {} : { timeZone };
}
