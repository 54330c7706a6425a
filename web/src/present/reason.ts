import type { Language } from "../../../server/text/language.ts";
import { localizedReason } from "../../../server/text/reason.ts";
import { language } from "../words/i18n.ts";

/** A reason in the recorder's own words, translated if there is a translation, and the language that it is in. */
export function reasonOf(text: string): { readonly text: string; readonly lang: Language } {
  const localized = localizedReason(text, language.value);
  const tied = localized.replace(/(\d) (s|MiB)\b/g, "$1\u00a0$2");
  return { text: tied, lang: localized === text ? "en" : language.value };
}
