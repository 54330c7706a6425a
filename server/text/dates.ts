import type { Language } from "./language.ts";

/** Months and weekdays by language. `Intl` knows them too, but making its formats takes a phone 100 ms at start. */
const months = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
];
const weekdays: Record<Language, readonly string[]> = {
  en: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
  ko: ["일", "월", "화", "수", "목", "금", "토"],
};

/** A date such as `2026-11-24` as `24 Nov`, or `11월 24일`. */
export function shortDay(date: string, language: Language): string {
  const { month, day } = parse(date);
  return language === "ko" ? `${month}월 ${day}일` : `${day} ${shortMonth(month)}`;
}

/** `24 Nov 2026`, or `2026년 11월 24일`. */
export function fullDay(date: string, language: Language): string {
  const { year, month, day } = parse(date);
  return language === "ko" ? `${year}년 ${month}월 ${day}일` : `${day} ${shortMonth(month)} ${year}`;
}

/** A day as people say it: `Tue 24 Nov`, or `11월 24일(화)`. */
export function dayName(date: string, language: Language): string {
  const day = shortDay(date, language);
  return language === "ko" ? `${day}(${weekday(date, language)})` : `${weekday(date, language)} ${day}`;
}

/** `Tuesday 24 November`, or `11월 24일 화요일`. */
export function longDay(date: string, language: Language): string {
  const { day, month, weekday } = parse(date);
  const name = weekdays[language][weekday] ?? "";
  return language === "ko" ? `${shortDay(date, language)} ${name}요일` : `${name} ${day} ${months[month - 1]}`;
}

/** `Tue`, or `화`. */
export function weekday(date: string, language: Language): string {
  return (weekdays[language][parse(date).weekday] ?? "").slice(0, 3);
}

/** The month of a date: `November`, or `11월`. */
export function monthOnly(date: string, language: Language): string {
  const { month } = parse(date);
  return language === "ko" ? `${month}월` : (months[month - 1] ?? "");
}

/** The month of a date with its year: `November 2026`, or `2026년 11월`. */
export function monthName(date: string, language: Language): string {
  const { year } = parse(date);
  const month = monthOnly(date, language);
  return language === "ko" ? `${year}년 ${month}` : `${month} ${year}`;
}

function parse(date: string) {
  const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
  return { year, month, day, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay() };
}

function shortMonth(month: number): string {
  return month === 9 ? "Sept" : (months[month - 1] ?? "").slice(0, 3);
}
