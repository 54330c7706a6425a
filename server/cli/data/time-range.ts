import { acceptedInstants, parseDuration, parseInstant, type TimeZone } from "../../platform/time/time-parser.ts";
import type { Flag, Flags } from "../framework/command.ts";

/** Flags that choose a range of time. */
export const rangeFlags: Readonly<Record<"from" | "to" | "last", Flag>> = {
  from: { value: "TIME", help: "start: 2026-11-22, 2026-11-22T15:04, …+09:00, today, yesterday, -1h (UTC by default)" },
  to: { value: "TIME", help: "end, exclusive; a date means its first moment" },
  last: { value: "DURATION", help: "instead of --from: the last 30m, 1h, 2d or 1w until now" },
};

/** Parses a flag; null if it is absent, or not accepted, which is added to `problems`. */
export function readFlag<T>(
  flags: Flags,
  problems: string[],
  name: string,
  parse: (text: string) => T | null,
  accepted: string,
): T | null {
  const text = flags[name];
  if (text === undefined) return null;
  const value = parse(text);
  if (value === null) problems.push(`--${name} "${text}" is not accepted; give ${accepted}`);
  return value;
}

/** Parses --from, --to and --last; null for an open end. Adds problems to `problems`. */
export function readRange(
  flags: Flags,
  problems: string[],
  zone: TimeZone,
  nowUs: number = Date.now() * 1000,
): { fromUs: number | null; toUs: number | null } {
  const read = (name: "from" | "to" | "last", parse: (text: string) => number | null, accepted: string) =>
    readFlag(flags, problems, name, parse, accepted);
  const instant = (text: string) => parseInstant(text, nowUs, zone);
  const fromUs = read("from", instant, acceptedInstants);
  const toUs = read("to", instant, acceptedInstants);
  const lastUs = read("last", parseDuration, "a duration such as 30m, 1h, 2d or 1w");
  if (flags.last !== undefined && (flags.from !== undefined || flags.to !== undefined))
    problems.push("--last reaches until now and cannot be combined with --from or --to");
  if (fromUs !== null && toUs !== null && fromUs > toUs)
    problems.push(`--from "${flags.from}" is after --to "${flags.to}"`);
  if (fromUs !== null && fromUs === toUs) problems.push(emptyRange(flags));
  return { fromUs: lastUs === null ? fromUs : nowUs - lastUs, toUs };
}

function emptyRange({ from, to }: Flags): string {
  const isDay = /^(\d{4}-\d\d-\d\d|today|yesterday)$/.test(to ?? "");
  const advice = isDay ? ": a date means its first moment; to include that day, give the day after" : "";
  return `--from "${from}" and --to "${to}" are the same time, and --to is exclusive${advice}`;
}
