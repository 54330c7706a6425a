import { effect, signal } from "@preact/signals";
import { fill, type Language } from "../../../server/text/language.ts";
import { recall, remember } from "../browser/memory.ts";
import { en, type Words } from "./common-en.ts";
import { ko } from "./common-ko.ts";

const words: Record<Language, Words> = { en, ko };
const key = "rt-data.language";

/** The language shown: the one chosen here before, else the browser's. */
export const language = signal<Language>(remembered() ?? preferred());

effect(() => {
  document.documentElement.lang = language.value;
});

/** Switches the language and remembers it. */
export function choose(next: Language): void {
  language.value = next;
  remember(key, next);
}

/** A text in the language shown. */
export function t(name: keyof Words, values: Readonly<Record<string, string | number>> = {}): string {
  return fill(words[language.value][name], values);
}

function remembered(): Language | null {
  const stored = recall(key);
  return stored === "en" || stored === "ko" ? stored : null;
}

function preferred(): Language {
  for (const tag of navigator.languages) {
    if (tag.startsWith("ko")) return "ko";
    if (tag.startsWith("en")) return "en";
  }
  return "en";
}
