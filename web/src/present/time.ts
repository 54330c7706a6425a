import { computed, signal } from "@preact/signals";
import * as amounts from "../../../server/text/amounts.ts";
import { recall, remember } from "../browser/memory.ts";
import { language } from "../words/i18n.ts";

export type Zone = "utc" | "local";

const key = "rt-data.zone";

const chosen = signal(recall(key));

/**
 * Times are shown in UTC, as days and files are, or in the browser's own zone. Without a choice, Korean shows local time: alerts on the
 * phone do too.
 */
export const zone = computed<Zone>(() => {
  if (chosen.value === "local" || chosen.value === "utc") return chosen.value;
  return language.value === "ko" ? "local" : "utc";
});

/** Shows times in a zone from now on. */
export function chooseZone(next: Zone): void {
  chosen.value = next;
  remember(key, next);
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

/** `15:04:05.123` */
export function exactClock(us: number, of: Zone = zone.value): string {
  return `${clock(us, of)}.${String(Math.floor(us / 1000) % 1000).padStart(3, "0")}`;
}

/** `22 Nov 15:04` */
export function dayClock(us: number, of: Zone = zone.value): string {
  return `${day(us, of)} ${shortClock(us, of)}`;
}

/** `UTC`, or `KST`. */
export function zoneName(of: Zone = zone.value): string {
  return of === "utc" ? "UTC" : amounts.zoneName(Date.now() * 1000);
}

/** µs at which a UTC date begins. */
export function dateStart(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) * 1000;
}

/** True for a date that exists, from 2000 on: `2026-02-29` does not. */
export function isDate(text: string): boolean {
  return /^2\d{3}-\d\d-\d\d$/.test(text) && !Number.isNaN(dateStart(text)) && dateOf(dateStart(text)) === text;
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

/** Every UTC date of a month such as `2026-11`. */
export function daysOfMonth(month: string): readonly string[] {
  const dates: string[] = [];
  for (let date = `${month}-01`; date.startsWith(month); date = addDays(date, 1)) dates.push(date);
  return dates;
}

/** A month some months later: `2026-11` and 2 give `2027-01`. */
export function addMonths(month: string, months: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + months, 1)).toISOString().slice(0, 7);
}

/** The month of a UTC date alone: `November`. */
export function monthOnly(date: string): string {
  return format("month-only", { month: "long" }, "utc").format(dateStart(date) / 1000);
}

/** 0 for a Sunday. */
export function weekdayNumber(date: string): number {
  return new Date(dateStart(date) / 1000).getUTCDay();
}

/** A UTC date with its weekday: `Sunday 15 November`. */
export function longDate(date: string): string {
  return format("long", { weekday: "long", day: "numeric", month: "long" }, "utc").format(dateStart(date) / 1000);
}

/** `22 Nov` */
export function shortDate(date: string): string {
  return day(dateStart(date), "utc");
}

/** The month of a UTC date: `November 2026`. */
export function monthName(date: string): string {
  return format("month", { month: "long", year: "numeric" }, "utc").format(dateStart(date) / 1000);
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
