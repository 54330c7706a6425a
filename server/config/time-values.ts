import type { QuietHours } from "../domain/incidents/quiet-hours.ts";
import { accept, kindOf, refuse, type ValueKind } from "./value-kind.ts";

/** A time of day, `HH:MM`, as minutes after midnight. */
export const clockTime: ValueKind<number> = kindOf((raw) => {
  const minutes = typeof raw === "string" ? minutesOf(raw.trim()) : null;
  return minutes === null ? refuse('a time such as "09:00"') : accept(minutes);
}, printTime);

/** A part of every day, `23:00-07:00`; it may pass midnight. */
export const hours: ValueKind<QuietHours> = kindOf(
  (raw) => {
    const parts = typeof raw === "string" ? raw.split("-").map((part) => minutesOf(part.trim())) : [];
    const [fromMinutes, toMinutes, ...rest] = parts;
    const isPart = fromMinutes != null && toMinutes != null && fromMinutes !== toMinutes && rest.length === 0;
    return isPart ? accept({ fromMinutes, toMinutes }) : refuse('hours such as "23:00-07:00"');
  },
  ({ fromMinutes, toMinutes }) => `${printTime(fromMinutes)}-${printTime(toMinutes)}`,
);

/** A time zone of the IANA database, in its official spelling. */
export const timeZone: ValueKind<string> = kindOf((raw) => {
  const accepted = 'a time zone such as "Europe/Berlin" or "Asia/Seoul"';
  if (typeof raw !== "string" || !/^[A-Za-z][\w+\-/]{1,60}$/.test(raw)) return refuse(accepted);
  try {
    return accept(new Intl.DateTimeFormat("en", { timeZone: raw }).resolvedOptions().timeZone);
  } catch {
    return refuse(accepted);
  }
});

function minutesOf(text: string): number | null {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return parts === null ? null : Number(parts[1]) * 60 + Number(parts[2]);
}

function printTime(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");
}
