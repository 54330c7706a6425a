import type { NavigationPage } from "../domain/pages.ts";
import type { Language } from "./language.ts";

/** Names of the pages in the navigation. */
export const pageNames: Readonly<Record<NavigationPage, Readonly<Record<Language, string>>>> = {
  overview: { en: "Overview", ko: "개요" },
  coverage: { en: "Coverage", ko: "기록률" },
  archive: { en: "Archive", ko: "아카이브" },
  history: { en: "History", ko: "이력" },
};
