import { duration } from "../../present/format.ts";
import { ageSeconds, isLost, status } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";

/** Says on every view but the overview, which says it in its first sentence, that the recorder is out of reach. */
export function Lost() {
  if (!isLost.value) return null;
  const age = duration(ageSeconds.value);
  return (
    <div class="notice bad" role="status" data-old>
      <strong>{t("lost")}</strong>
      <span>{status.value === null ? t("lostNeverHint") : t("lostHint", { age })}</span>
    </div>
  );
}
