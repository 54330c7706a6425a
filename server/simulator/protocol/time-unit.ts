import type { TimeUnit } from "../../domain/market/exchange-time.ts";
import { parseStreamName, type StreamName } from "../../domain/stream.ts";
import { eventTimeMember } from "../../domain/stream-kind-facts.ts";
import { byKind, timeMembers } from "../../domain/stream-kinds.ts";

/**
 * Writes the times of a text in this unit. Times in µs are cut to ms; times in ms get three zeros, or made-up digits if the source invents its
 * times (`isMadeUp`).
 */
export type TimeWriter = (text: string, unit: TimeUnit, isMadeUp: boolean) => string;

/** Reads the unit that a client asks for (`MICROSECOND`, upper or lower case); null if it does not ask. */
export function parseTimeUnit(text: string | null): TimeUnit | null {
  if (/^microsecond$/i.test(text ?? "")) return "us";
  return /^millisecond$/i.test(text ?? "") ? "ms" : null;
}

/** The times of trades in REST answers. */
export const restTimes = timeWriter(["T", "time"]);

/** For unknown streams: the event time and the trade time. */
const unknownTimes = timeWriter([eventTimeMember, "T"]);

/** Null for kinds without times. */
const timesByKind = byKind((kind) => (timeMembers(kind).length === 0 ? null : timeWriter(timeMembers(kind))));

/** Returns how the times of a stream's payloads are written; null without times. */
export function timesOfStream(stream: StreamName): TimeWriter | null {
  const parsed = parseStreamName(stream);
  return parsed === null ? unknownTimes : timesByKind[parsed.type.kind];
}

function timeWriter(names: readonly string[]): TimeWriter {
  const mark = `"${names[0]}":`;
  const pattern = new RegExp(`"(${names.join("|")})":(1\\d{12})(\\d{3})?(?=[,}])`, "g");
  return (text, unit, isMadeUp) => {
    if (!text.startsWith("[") && isLong(text, mark) === (unit === "us")) return text;
    return text.replace(pattern, (_, name: string, ms: string, rest?: string) => {
      const digits = unit === "ms" ? "" : (rest ?? (isMadeUp ? madeUp(Number(ms)) : "000"));
      return `"${name}":${ms}${digits}`;
    });
  };
}

/**
 * Makes up the three digits behind a time in ms. The same ms has the same digits, so a trade has the same time on its stream and over REST,
 * and times that rise in ms rise in µs.
 */
function madeUp(ms: number): string {
  return String((Math.imul(ms % 1_000_000_000, 2_654_435_761) >>> 0) % 1000).padStart(3, "0");
}

/** Tests whether the first time is in µs: 16 digits. */
function isLong(text: string, mark: string): boolean {
  const code = text.charCodeAt(text.indexOf(mark) + mark.length + 15);
  return code >= 48 && code <= 57;
}
