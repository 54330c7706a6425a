import type { ReadonlySignal } from "@preact/signals";
import { t } from "../../words/i18n.ts";

/** Says that data is being read, or could not be read. */
export function Trouble({ trouble, hasValue }: { trouble: ReadonlySignal<string | null>; hasValue: boolean }) {
  const code = trouble.value;
  if (code === null || (code === "loading" && hasValue)) return null;
  if (code === "loading") {
    return (
      <p class="empty" role="status">
        {t("loading")}
      </p>
    );
  }
  return (
    <div class="notice bad" role="status">
      <strong>{t(hasValue ? "failedOld" : "failed")}</strong>
    </div>
  );
}
