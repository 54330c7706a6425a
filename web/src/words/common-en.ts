import { alertsEn } from "./alerts-en.ts";
import { bookEn } from "./book-en.ts";
import { loginEn } from "./login-en.ts";
import { overviewEn } from "./overview-en.ts";
import { servicesEn } from "./services-en.ts";
import { viewsEn } from "./views-en.ts";

/** The page's texts in English. */
export const en = {
  ...overviewEn,
  ...viewsEn,
  ...bookEn,
  ...alertsEn,
  ...loginEn,
  ...servicesEn,
  views: "Views",
  skip: "Skip to content",
  language: "Language",
  times: "Times",
  moreChoices: "More choices",
  theme: "Colours: {name}",
  themeSystem: "like the system",
  themeLight: "light",
  themeDark: "dark",
  viewFailed: "This view failed.",
  viewFailedHint: "Recording is not affected. The error is in the browser's console.",
  tryAgain: "Try again",
  noSuchPage: "There is no such page.",
  noSuchPageHint: "The address may be misspelt, or from another version.",
  noSuchDay: "There is no day {date}.",
  noSuchDayHint: "A day is written as 2026-11-22.",
  toOverview: "To the overview",
  loading: "Loading…",
  failed: "The recorder did not answer. The page tries again by itself.",
  failedOld: "The recorder did not answer; these values are old.",
  showMore: "Show more",
  all: "all",
  cancel: "Cancel",
  symbol: "Symbol",
  stream: "Stream",
  date: "Date",
  cause: "Cause",
  demo: "Demo",
  demoIs: "This is a demo.",
  demoData: "Invented market, data in {folder}. See what happens when the line breaks:",
  demoPast: "The past is being invented: {percent}.",
  demoCut: "Cut the connection",
  demoBack: "Back in {n}\u00a0s",
  demoNext: "What to try next",
  demoList: "See what is recorded",
  demoVerify: "Prove it",
  demoQuery: "Read it with DuckDB",
  demoRecord: "Record the real market",
  close: "Close",
};

/** Every text of the page, by key; `{name}` is filled in. */
export type Words = Readonly<Record<keyof typeof en, string>>;
