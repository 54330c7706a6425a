import { language, t } from "../words/i18n.ts";
import { foreignAnswerIn } from "./foreign-answer.ts";

/** A reason in the recorder's own words, which are English, with the language that it is in: the one that matters most is translated. */
export function reasonOf(text: string): { readonly text: string; readonly lang: "en" | "ko" } {
  const found = language.value === "en" ? null : foreignAnswerIn(text);
  return found === null ? { text, lang: "en" } : { text: t("foreignAnswer", found), lang: language.value };
}
