import type { OpenIncident } from "../../../../server/domain/incidents/incident.ts";
import { duration, number } from "../../present/format.ts";
import { reasonOf } from "../../present/reason.ts";
import { zoneName } from "../../present/time.ts";
import {
  acknowledge,
  beginMaintenance,
  counselOf,
  endMaintenance,
  figuresOf,
  isPast,
  lostOf,
  maintenanceUntil,
  momentOf,
  mute,
  openIncidents,
  subjectsOf,
  titleOf,
  trouble,
} from "../../state/alerts.ts";
import { status } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";

/** What is not as it should be at this moment, and what can be done about it; nothing while all is well. */
export function Alerts() {
  const open = openIncidents.value;
  const untilUs = maintenanceUntil.value;
  if (open.length === 0 && untilUs === null) return null;
  return (
    <section class="panel alerts" aria-labelledby="alerts-title">
      <header>
        <h2 id="alerts-title">{t("alertsTitle")}</h2>
        <div class="tools">{untilUs === null && <MaintenanceButtons />}</div>
      </header>
      {untilUs !== null && <Maintenance untilUs={untilUs} />}
      <ActionTrouble />
      {open.length === 0 ? (
        <p class="quiet">{t("well")}</p>
      ) : (
        <ul>
          {open.map((incident) => (
            <Alert key={incident.id} incident={incident} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** Begins a maintenance. */
export function MaintenanceButtons() {
  return (
    <>
      {([1, 8] as const).map((hours) => (
        <button
          key={hours}
          type="button"
          class="button"
          title={t("maintenanceHint")}
          onClick={() => void beginMaintenance(hours)}
        >
          {t(hours === 1 ? "maintenance1" : "maintenance8")}
        </button>
      ))}
    </>
  );
}

/** Says until when nobody is told of anything. */
export function Maintenance({ untilUs }: { untilUs: number }) {
  const { text, title } = momentOf(untilUs);
  return (
    <p class="maintenance" role="status">
      <span title={title}>{t("maintenanceUntil", { time: text, zone: zoneName() })}</span>
      <button type="button" class="button" onClick={() => void endMaintenance()}>
        {t("endMaintenance")}
      </button>
    </p>
  );
}

/** Says that what was pressed was in vain. */
export function ActionTrouble() {
  return trouble.value === null ? null : (
    <p class="outcome bad" role="status">
      {trouble.value}
    </p>
  );
}

function Alert({ incident }: { incident: OpenIncident }) {
  const { rule, severity, detail, flaps, from_us, acknowledged: known } = incident;
  const now = status.value?.now_us ?? from_us;
  const { text: time, title } = momentOf(from_us);
  const lost = lostOf(incident);
  const facts = [
    isPast(incident)
      ? t("alertAt", { time, zone: zoneName() })
      : t("alertSince", { time, zone: zoneName(), age: duration((now - from_us) / 1e6) }),
    ...figuresOf(incident),
    ...(flaps > 0 ? [t("alertFlaps", { n: number(flaps) })] : []),
    ...(lost === null ? [] : [t("alertLost", { lost })]),
  ];
  return (
    <li data-alert={rule} data-severity={severity}>
      <span class="lamp" aria-hidden="true" />
      <h3>
        {titleOf(incident)} <span class="severity">{t(`severity_${severity}`)}</span>
      </h3>
      {incident.subjects.length > 0 && <p class="subjects">{subjectsOf(incident)}</p>}
      <p class="facts" title={title}>
        {facts.map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
      </p>
      <p class="counsel">
        {counselOf(incident).map((part, n) => (n % 2 === 1 ? <code key={part}>{part}</code> : part))}
      </p>
      {detail !== null && (
        <p class="detail" lang={reasonOf(detail).lang}>
          {reasonOf(detail).text}
        </p>
      )}
      <Actions incident={incident} />
      {known !== null && <p class="quiet">{t("acknowledged", { by: known.by, time: momentOf(known.at_us).text })}</p>}
    </li>
  );
}

function Actions({ incident: { id, rule, acknowledged: known, muted, severity } }: { incident: OpenIncident }) {
  return (
    <p class="actions">
      {known === null && severity !== "info" && (
        <button type="button" class="button" onClick={() => void acknowledge(id)}>
          {t("acknowledge")}
        </button>
      )}
      {muted && maintenanceUntil.value === null && <span class="quiet">{t("muted")}</span>}
      {!muted &&
        ([1, 8] as const).map((hours) => (
          <button key={hours} type="button" class="button" onClick={() => void mute(rule, hours)}>
            {t(hours === 1 ? "mute1" : "mute8")}
          </button>
        ))}
    </p>
  );
}
