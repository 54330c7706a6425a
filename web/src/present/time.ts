import { signal } from "@preact/signals";
import { recall, remember } from "../browser/memory.ts";
import { language } from "../words/i18n.ts";

export type Zone = "utc" | "local";

const key = "rt-data.zone";

/** Times are shown in UTC, as days and files are, or in the browser's own zone. */
export const zone = signal<Zone>(recall(key) === "local" ? "local" : "utc");

/** The other of UTC and local, remembered. */
export function nextZone(): void {
  zone.value = zone.value === "utc" ? "local" : "utc";
  remember(key, zone.value);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** `15:04:05` */
export function clock(us: number, of: Zone = zone.value): string {
  return format("clock", { hour: "2-digit", minute: "2-digit", second: "2-digit" }, of).format(us / 1000);
}

/** `15:04` */
export function shortClock(us: number, of: Zone = zone.value): string {
  return format("short", { hour: "2-digit", minute: "2-digit" }, of).format(us / 1000);
}

/** `22 Nov 2026, 15:04:05` */
export function dateTime(us: number, of: Zone = zone.value): string {
  return `${day(us, of)} ${clock(us, of)}`;
}

/** `22 Nov`, or `11월 22일`. */
export function day(us: number, of: Zone = zone.value): string {
  return format("day", { day: "numeric", month: "short" }, of).format(us / 1000);
}

/** The same moment in both zones, for titles. */
export function bothZones(us: number): string {
  return `${dateTime(us, "utc")} UTC = ${dateTime(us, "local")} ${zoneName("local")}`;
}

/** `UTC`, or `GMT+9`. */
export function zoneName(of: Zone = zone.value): string {
  if (of === "utc") return "UTC";
  const parts = format("zone", { timeZoneName: "short" }, "local").formatToParts(0);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "local";
}

/** µs at which a UTC date begins. */
export function dateStart(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) * 1000;
}

/** UTC date of a time in µs. */
export function dateOf(us: number): string {
  return new Date(us / 1000).toISOString().slice(0, 10);
}

/** A UTC date some days later. */
export function addDays(date: string, days: number): string {
  return dateOf(dateStart(date) + days * 86_400e6);
}

/** A UTC date for people: `22 Nov 2026`. */
export function dateName(date: string): string {
  return format("date", { day: "numeric", month: "short", year: "numeric" }, "utc").format(dateStart(date) / 1000);
}

/** A UTC date's day of the week: `Sun`. */
export function weekday(date: string): string {
  return format("weekday", { weekday: "short" }, "utc").format(dateStart(date) / 1000);
}

function format(name: string, options: Intl.DateTimeFormatOptions, of: Zone): Intl.DateTimeFormat {
  const key = `${name} ${language.value} ${of}`;
  let found = formats.get(key);
  if (found === undefined) {
    const zone = of === "utc" ? { timeZone: "UTC" } : {};
    found = new Intl.DateTimeFormat(language.value === "en" ? "en-GB" : "ko", {
      ...options,
      ...zone,
      hourCycle: "h23",
    });
    formats.set(key, found);
  }
  return found;
}
