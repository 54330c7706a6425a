import type { Language } from "./language.ts";

const formats = new Map<string, Intl.DateTimeFormat>();
const locales: Record<Language, string> = { en: "en-GB", ko: "ko-KR" };

/** Names that people in these places use, and `Intl` does not know. */
const zoneNames: ReadonlyMap<string, string> = new Map([
  ["Asia/Seoul", "KST"],
  ["Asia/Tokyo", "JST"],
]);

/** Places with a Korean name. */
const koreanPlaces: ReadonlyMap<string, string> = new Map([
  ["Seoul", "서울"],
  ["Tokyo", "도쿄"],
]);

/** `03:12`, and the day in front where it is not that of `nowUs`. */
export function timeOfDay(us: number, nowUs: number, language: Language, timeZone?: string): string {
  const time = format(us, language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, timeZone);
  const day = (at: number) => format(at, language, { month: "short", day: "numeric" }, timeZone);
  return day(us) === day(nowUs) ? time : `${day(us)} ${time}`;
}

/** Short name of a time zone at a time: `UTC`, `CET` in winter and `CEST` in summer, `KST`. For a zone without a name the place: `Singapore`. */
export function zoneName(us: number, timeZone?: string): string {
  const name = zoneOf(timeZone);
  const known = zoneNames.get(name) ?? shortZone("en", us, timeZone) ?? shortZone("en-GB", us, timeZone);
  return known ?? placeOf(timeZone, "en");
}

/** The place that a time zone is named after: `New York`, `서울`. `UTC` is its own name. */
export function placeOf(timeZone: string | undefined, language: Language): string {
  const place = zoneOf(timeZone).split("/").at(-1)?.replaceAll("_", " ") ?? "UTC";
  return (language === "ko" ? koreanPlaces.get(place) : undefined) ?? place;
}

/** Local date and minutes after midnight. The end of summer time repeats minutes, never a day. */
export function localTime(us: number, timeZone?: string): { readonly date: string; readonly minutes: number } {
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" } as const;
  const format = formatOf("en-CA", { ...options, hourCycle: "h23" }, timeZone);
  const parts = new Map(format.formatToParts(us / 1000).map(({ type, value }) => [type, value]));
  const date = `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
  return { date, minutes: Number(parts.get("hour")) * 60 + Number(parts.get("minute")) };
}

/** A local time for lists: `11-24 15:04`. */
export function listTime(us: number, timeZone?: string): string {
  const { date, minutes } = localTime(us, timeZone);
  return `${date.slice(5)} ${clockOf(minutes)}`;
}

/** A local time of day: `15:04`. */
export function shortClock(us: number, timeZone?: string): string {
  return clockOf(localTime(us, timeZone).minutes);
}

function clockOf(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");
}

/** The name without digits that a locale has for a zone, or null: other locales only know `GMT+9`. */
function shortZone(locale: string, us: number, timeZone?: string): string | null {
  const parts = formatOf(locale, { timeZoneName: "short" }, timeZone).formatToParts(us / 1000);
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  return name === "" || /\d/.test(name) ? null : name;
}

function zoneOf(timeZone?: string): string {
  return formatOf("en", {}, timeZone).resolvedOptions().timeZone;
}

function format(us: number, language: Language, options: Intl.DateTimeFormatOptions, timeZone?: string): string {
  return formatOf(locales[language], options, timeZone).format(us / 1000);
}

/** Formats are slow to make and few. */
function formatOf(locale: string, options: Intl.DateTimeFormatOptions, timeZone?: string): Intl.DateTimeFormat {
  const key = JSON.stringify([locale, options, timeZone]);
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(locale, { ...options, timeZone });
    formats.set(key, made);
  }
  return made;
}
