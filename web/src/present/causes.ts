import type { GapCause } from "../../../server/domain/gap.ts";
import { gapCauseWords } from "../../../server/text/gap-causes.ts";
import { language } from "../words/i18n.ts";

/** A gap's cause in words. */
export function causeWord(cause: GapCause): string {
  return gapCauseWords[cause][language.value];
}
