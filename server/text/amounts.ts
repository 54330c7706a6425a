import type { Language } from "./language.ts";

const formats = new Map<string, Intl.DateTimeFormat>();
const locales: Record<Language, string> = { en: "en-GB", ko: "ko-KR" };
const timeUnits: Record<Language, readonly [string, string, string, string]> = {
  en: [" d", " h", " min", " s"],
  ko: ["일", "시간", "분", "초"],
};
const byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"];

/** A whole number with grouped digits. */
export function count(value: number, language: Language): string {
  return new Intl.NumberFormat(locales[language], { maximumFractionDigits: 0 }).format(value);
}

/** A number in three digits at most: `1.4`, `23`, `1,340`. */
export function figure(value: number, language: Language): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return new Intl.NumberFormat(locales[language], { maximumFractionDigits: digits }).format(value);
}

/** 0.923 → `92.3%`. */
export function percent(share: number, language: Language): string {
  return `${new Intl.NumberFormat(locales[language], { maximumFractionDigits: 1 }).format(share * 100)}%`;
}

/** Coverage, in which no hole is rounded away: only a whole day is 100%. */
export function coverage(share: number, language: Language): string {
  if (share >= 1) return "100%";
  const floored = Math.floor(share * 10_000) / 100;
  return `${new Intl.NumberFormat(locales[language], { maximumFractionDigits: 2 }).format(floored)}%`;
}

/** Bytes in decimal units. */
export function bytes(value: number, language: Language): string {
  let scaled = Math.max(0, value);
  let unit = 0;
  while (scaled >= 999.5 && unit < byteUnits.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${figure(scaled, language)} ${byteUnits[unit]}`;
}

/** ms, in seconds from one second on. */
export function milliseconds(value: number, language: Language): string {
  if (Math.abs(value) < 1000) return `${figure(value, language)} ms`;
  return `${figure(value / 1000, language)}${timeUnits[language][3]}`;
}

/** A time span in its two largest units, without a second that is 0: `1 d 2 h`, `12 min`, `3 s`. */
export function duration(us: number, language: Language): string {
  const seconds = Math.max(0, Math.floor(us / 1e6));
  const counts = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  const first = counts.findIndex((n) => n > 0);
  if (first < 0) return `0${timeUnits[language][3]}`;
  // Seconds beside minutes are of interest only while it is short.
  const last = first === 2 && seconds >= 300 ? first : first + 1;
  return counts
    .map((n, index) => ({ n, index }))
    .filter(({ n, index }) => index >= first && index <= last && n > 0)
    .map(({ n, index }) => `${n}${timeUnits[language][index] ?? ""}`)
    .join(" ");
}

/** The same for what still lasts, in steps that grow with it, so that a message need not be changed all the time. */
export function roughDuration(us: number, language: Language): string {
  if (us < 10e6) return duration(Math.max(us, 1e6), language);
  const minutes = us / 60e6;
  const step = minutes < 1 ? 1 / 6 : minutes < 10 ? 1 : minutes < 60 ? 5 : minutes < 360 ? 15 : 60;
  return duration(Math.floor(minutes / step) * step * 60e6, language);
}

/** `03:12`, and the day in front where it is not that of `nowUs`. */
export function timeOfDay(us: number, nowUs: number, language: Language, timeZone?: string): string {
  const time = format(us, language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, timeZone);
  const day = (at: number) => format(at, language, { month: "short", day: "numeric" }, timeZone);
  return day(us) === day(nowUs) ? time : `${day(us)} ${time}`;
}

/** Short name of the time zone: `UTC`, `CET`, `KST`. */
export function zoneName(us: number, timeZone?: string): string {
  const name = formatOf("en", {}, timeZone).resolvedOptions().timeZone;
  // Where these are used nobody says GMT+9.
  const own = new Map([
    ["Asia/Seoul", "KST"],
    ["Asia/Tokyo", "JST"],
  ]).get(name);
  if (own !== undefined) return own;
  const parts = formatOf("en", { timeZoneName: "short" }, timeZone).formatToParts(us / 1000);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "UTC";
}

/** A day as people say it: `Tue 24 Nov`. */
export function dayName(date: string, language: Language): string {
  const options = { weekday: "short", month: "short", day: "numeric" } as const;
  return format(Date.parse(`${date}T00:00:00Z`) * 1000, language, options, "UTC");
}

function format(us: number, language: Language, options: Intl.DateTimeFormatOptions, timeZone?: string): string {
  return formatOf(language, options, timeZone).format(us / 1000);
}

/** Formats are slow to make and few. */
function formatOf(language: Language, options: Intl.DateTimeFormatOptions, timeZone?: string): Intl.DateTimeFormat {
  const key = JSON.stringify([language, options, timeZone]);
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(locales[language], { ...options, timeZone });
    formats.set(key, made);
  }
  return made;
}
