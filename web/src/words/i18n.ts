import { computed, effect, signal } from "@preact/signals";
import { fill, type Language } from "../../../server/text/language.ts";
import { recall, remember } from "../browser/memory.ts";
import { chosenTicks, type Ticks } from "../browser/ticks.ts";
import { en, type Words } from "./common-en.ts";
import { ko } from "./common-ko.ts";

const words: Record<Language, Words> = { en, ko };
const key = "rt-data.language";

/** The shown language: the last choice in this browser, else the browser's language. */
export const language = signal<Language>(remembered() ?? preferred());

/** Colours of prices: in Korea red rises and blue falls. */
export const ticks = computed<Ticks>(() => chosenTicks.value ?? (language.value === "ko" ? "red-blue" : "green-red"));

effect(() => {
  document.documentElement.lang = language.value;
  document.documentElement.dataset["ticks"] = ticks.value;
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
