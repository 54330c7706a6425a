import { useSignal } from "@preact/signals";
import type { OpenIncident } from "../../../../server/domain/incidents/incident.ts";
import { duration, number } from "../../present/format.ts";
import { reasonOf } from "../../present/reason.ts";
import { zoneName } from "../../present/time.ts";
import {
  acknowledge,
  byWhom,
  counselOf,
  figuresOf,
  isPast,
  lostOf,
  maintenanceUntil,
  momentOf,
  mute,
  openIncidents,
  subjectsOf,
  takeBack,
  titleOf,
  trouble,
  unmute,
} from "../../state/alerts.ts";
import { status } from "../../state/state.ts";
import { verdict } from "../../state/verdict.ts";
import { t } from "../../words/i18n.ts";
import { Menu } from "../frame/menu.tsx";

/** Open incidents: the gravest that nobody has acknowledged first, the others behind a button. */
export function IncidentCards() {
  const isOpen = useSignal(false);
  const isLost = verdict.value.tone === "lost";
  const all = isLost ? [] : openIncidents.value.toSorted((a, b) => rank(a) - rank(b));
  const [first, ...others] = all;
  if (first === undefined) return null;
  return (
    <div class="incidents">
      <IncidentCard incident={first} />
      {others.length > 0 && (
        <button
          type="button"
          class="btn plain more"
          aria-expanded={isOpen.value}
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          {isOpen.value ? t("fewerIncidents") : t("moreIncidents", { n: number(others.length) })}
        </button>
      )}
      {isOpen.value && others.map((incident) => <IncidentCard key={incident.id} incident={incident} />)}
      <ActionTrouble />
    </div>
  );
}

/** An acknowledged incident stands behind all others. */
function rank({ acknowledged, severity }: OpenIncident): number {
  return (acknowledged === null ? 0 : 2) + (severity === "info" ? 1 : 0);
}

/** Says that the last press of a button had no effect. */
export function ActionTrouble() {
  return trouble.value === null ? null : (
    <p class="outcome wrong" role="alert">
      {trouble.value}
    </p>
  );
}

function IncidentCard({ incident }: { incident: OpenIncident }) {
  const { rule, severity, detail, acknowledged } = incident;
  const tone = acknowledged !== null || severity === "info" ? "ack" : severity === "critical" ? "bad" : "warn";
  return (
    <section class="incident" data-alert={rule} data-severity={severity} data-tone={tone}>
      <div>
        <p>
          <b>{titleOf(incident)}</b> <span class="unseen">{t(`severity_${severity}`)}</span>
          {incident.subjects.length > 0 && ` ${subjectsOf(incident)}`}
        </p>
        <p>{counselOf(incident).map((part, n) => (n % 2 === 1 ? <code key={part}>{part}</code> : part))}</p>
        <p class="soft t1 facts">
          {factsOf(incident).map((fact) => (
            <span key={fact}>{fact}</span>
          ))}
          {detail !== null && <span lang={reasonOf(detail).lang}>{reasonOf(detail).text}</span>}
        </p>
      </div>
      <Actions incident={incident} />
    </section>
  );
}

function factsOf(incident: OpenIncident): readonly string[] {
  const { from_us, flaps, acknowledged } = incident;
  const now = status.value?.now_us ?? from_us;
  const { text: time } = momentOf(from_us);
  const lost = lostOf(incident);
  return [
    isPast(incident)
      ? t("alertAt", { time, zone: zoneName() })
      : t("alertSince", { time, zone: zoneName(), age: duration((now - from_us) / 1e6) }),
    ...figuresOf(incident),
    ...(flaps > 0 ? [t("alertFlaps", { n: number(flaps) })] : []),
    ...(lost === null ? [] : [t(isPast(incident) ? "alertLostPast" : "alertLost", { lost })]),
    ...(acknowledged === null
      ? []
      : [t("acknowledged", { by: byWhom(acknowledged.by), time: momentOf(acknowledged.at_us).text })]),
  ];
}

function Actions({ incident }: { incident: OpenIncident }) {
  const { id, rule, acknowledged, muted, severity } = incident;
  return (
    <div class="acts">
      {acknowledged === null && severity !== "info" && (
        <button type="button" class="btn main" onClick={() => void acknowledge(id)}>
          {t("acknowledge")}
        </button>
      )}
      {acknowledged !== null && (
        <button type="button" class="btn" onClick={() => void takeBack(id)}>
          {t("takeBack")}
        </button>
      )}
      {muted && maintenanceUntil.value === null && (
        <button type="button" class="btn" onClick={() => void unmute(rule)}>
          {t("unmute")}
        </button>
      )}
      {!muted && (
        <Menu label={`${t("mute")} ▾`}>
          {([1, 8] as const).map((hours) => (
            <button key={hours} type="button" class="btn" onClick={() => void mute(incident, hours)}>
              {t(hours === 1 ? "mute1" : "mute8")}
            </button>
          ))}
        </Menu>
      )}
    </div>
  );
}
