import { computed, signal } from "@preact/signals";
import * as dates from "../../../server/text/dates.ts";
import { zoneName as nameOfZone, placeOf } from "../../../server/text/local-time.ts";
import { recall, remember } from "../browser/memory.ts";
import { isPhone } from "../browser/width.ts";
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

/** `15:04:05` */
export function clock(us: number, of: Zone = zone.value): string {
  return inZone(us, of).slice(11, 19);
}

/** `15:04` */
export function shortClock(us: number, of: Zone = zone.value): string {
  return inZone(us, of).slice(11, 16);
}

/** `22 Nov 2026, 15:04:05` */
export function dateTime(us: number, of: Zone = zone.value): string {
  return `${day(us, of)} ${clock(us, of)}`;
}

/** `22 Nov`, or `11월 22일`. */
export function day(us: number, of: Zone = zone.value): string {
  return dates.shortDay(inZone(us, of).slice(0, 10), language.value);
}

/** The same moment in both zones, for titles; empty on a phone, which cannot show them. */
export function bothZones(us: number): string {
  if (isPhone.value) return "";
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
  return of === "utc" ? "UTC" : nameOfZone(Date.now() * 1000);
}

/** The place of the browser's zone: `Berlin`, `서울`. */
export function localPlace(): string {
  return placeOf(undefined, language.value);
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
  return dates.fullDay(date, language.value);
}

/** A UTC date's day of the week: `Sun`. */
export function weekday(date: string): string {
  return dates.weekday(date, language.value);
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
  return dates.monthOnly(date, language.value);
}

/** 0 for a Sunday. */
export function weekdayNumber(date: string): number {
  return new Date(dateStart(date) / 1000).getUTCDay();
}

/** A UTC date with its weekday: `Sunday 15 November`. */
export function longDate(date: string): string {
  return dates.longDay(date, language.value);
}

/** `22 Nov` */
export function shortDate(date: string): string {
  return dates.shortDay(date, language.value);
}

/** The month of a UTC date: `November 2026`. */
export function monthName(date: string): string {
  return dates.monthName(date, language.value);
}

/** ISO text of a time in a zone, to milliseconds. The browser's own zone needs no `Intl`. */
function inZone(us: number, of: Zone): string {
  const ms = Math.floor(us / 1000);
  const offsetMs = of === "utc" ? 0 : new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - offsetMs).toISOString();
}
