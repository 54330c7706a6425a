import { useRef } from "preact/hooks";
import { zoneName } from "../../present/time.ts";
import { beginMaintenance, canNotify, endMaintenance, maintenanceUntil, momentOf } from "../../state/alerts.ts";
import { t } from "../../words/i18n.ts";

/** Begins a maintenance after a question, or ends it. Hidden if the recorder has no way to notify anybody. */
export function MaintenanceChoice() {
  const dialog = useRef<HTMLDialogElement>(null);
  const untilUs = maintenanceUntil.value;
  if (untilUs !== null) {
    const { text, title } = momentOf(untilUs);
    return (
      <span class="maintenance">
        <span title={title}>{t("maintenanceUntil", { time: text, zone: zoneName() })}</span>
        <button type="button" class="link" onClick={() => void endMaintenance()}>
          {t("endMaintenance")}
        </button>
      </span>
    );
  }
  if (!canNotify.value) return null;
  return (
    <span class="maintenance">
      <button type="button" class="link" onClick={() => dialog.current?.showModal()}>
        {t("maintenance")}
      </button>
      <dialog ref={dialog} aria-labelledby="maintenance-title">
        <h2 id="maintenance-title">{t("maintenanceTitle")}</h2>
        <p>{t("maintenanceHint")}</p>
        <p class="acts">
          {([1, 8] as const).map((hours) => (
            <button
              key={hours}
              type="button"
              class="btn main"
              onClick={() => {
                dialog.current?.close();
                void beginMaintenance(hours);
              }}
            >
              {t(hours === 1 ? "maintenance1" : "maintenance8")}
            </button>
          ))}
          <button type="button" class="btn" onClick={() => dialog.current?.close()}>
            {t("cancel")}
          </button>
        </p>
      </dialog>
    </span>
  );
}
