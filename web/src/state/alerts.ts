import { computed, signal } from "@preact/signals";
import type { Mute, OpenIncident } from "../../../server/domain/incidents/incident.ts";
import { type IncidentRule, ruleFacts } from "../../../server/domain/incidents/incident-rules.ts";
import { onlySymbol } from "../../../server/domain/incidents/only-symbol.ts";
import { inUnit, lossText } from "../../../server/text/incident-figures.ts";
import { incidentAdvice, incidentCost, incidentTitle } from "../../../server/text/rules/rule-words.ts";
import { type Answer, api, ask, patience } from "../api/api.ts";
import { number } from "../present/format.ts";
import { bothZones, day, shortClock } from "../present/time.ts";
import { language, t } from "../words/i18n.ts";
import { status } from "./state.ts";

/** Open incidents of the newest status. */
export const openIncidents = computed(() => status.value?.alerts.open ?? []);

/** End of the current maintenance, µs, or null. */
export const maintenanceUntil = computed(() => status.value?.alerts.maintenance_until_us ?? null);

/** Why the last press of a button had no effect, or null. */
export const trouble = signal<string | null>(null);

/** Counts the actions of this page, so that lists are read again. */
export const doings = signal(0);

/** Title of an incident. */
export function titleOf(incident: Pick<OpenIncident, "rule" | "severity" | "value">): string {
  return incidentTitle(incident, language.value);
}

/** Cost of an incident and advice; every second part is code. */
export function counselOf(incident: Pick<OpenIncident, "rule" | "severity">): readonly string[] {
  const cost = incidentCost(incident, language.value);
  return `${cost} ${incidentAdvice(incident.rule, language.value, "page")}`.split("`");
}

/** The first few subjects of an incident. */
export function subjectsOf({ subjects, subject_count }: OpenIncident): string {
  const shown = subjects.slice(0, 5).join(", ");
  const more = subject_count - Math.min(5, subjects.length);
  return more > 0 ? t("more", { symbols: shown, n: number(more) }) : shown;
}

/** The watched figure with its limit and its worst value; empty for a rule without a figure. */
export function figuresOf(incident: OpenIncident): readonly string[] {
  const { rule, unit, value, worst, limit } = incident;
  if (unit === null || value === null || ruleFacts[rule].figureIsAge) return [];
  const say = (amount: number) => inUnit(unit, amount, language.value);
  if (isPast(incident)) return [t(rule === "gap" ? "alertOver" : "alertDown", { value: say(worst ?? value) })];
  return [
    t("alertFigure", { value: say(value) }),
    ...(limit === null || limit === 0 ? [] : [t("alertLimit", { limit: say(limit) })]),
    ...(worst === null || say(worst) === say(value) ? [] : [t("alertWorst", { worst: say(worst) })]),
  ];
}

/** True if incidents of this rule are over before they are reported. */
export function isPast({ rule }: Pick<OpenIncident, "rule">): boolean {
  return ruleFacts[rule].isPast === true;
}

/** Counted and estimated loss; null if that is unknown, or if no record is lost. */
export function lostOf(incident: OpenIncident): string | null {
  return lossText(incident, language.value);
}

/** A time of today as `15:04`, other times with their day; the title has both zones. */
export function momentOf(us: number): { readonly text: string; readonly title: string } {
  const now = status.value?.now_us ?? us;
  const text = day(us) === day(now) ? shortClock(us) : `${day(us)} ${shortClock(us)}`;
  return { text, title: bothZones(us) };
}

/** True if the recorder can notify anybody: otherwise a maintenance has no effect. */
export const canNotify = computed(() => status.value?.alerts.notifies ?? false);

/** Who acknowledged or muted, in words: the page gives the name `dashboard`. */
export function byWhom(name: string): string {
  return name === "dashboard" ? t("onDashboard") : name;
}

/** Marks an incident as known. */
export const acknowledge = (id: number) =>
  act(() => api.api.alerts({ id: String(id) }).acknowledge.post({}, patience()));

/** Takes an acknowledgement back. */
export const takeBack = (id: number) =>
  act(() => api.api.alerts({ id: String(id) }).acknowledge.delete(null, patience()));

/** Pauses the notifications of an incident's rule for some hours: of its symbol alone, if it concerns a single symbol. */
export const mute = (incident: OpenIncident, hours: number) => {
  const symbol = onlySymbol(incident);
  return act(() => api.api.mutes.post({ rule: incident.rule, symbol, minutes: hours * 60 }, patience()));
};

/** Ends the mutes of a rule. */
export const unmute = (rule: IncidentRule) =>
  endMutes((one) => one.kind === "mute" && (one.rule === rule || one.rule === null));

/** Pauses all notifications for some hours. */
export const beginMaintenance = (hours: number) =>
  act(() => api.api.mutes.post({ kind: "maintenance", minutes: hours * 60 }, patience()));

/** Ends one mute. */
export const endMute = (id: number) => act(() => api.api.mutes({ id: String(id) }).delete(null, patience()));

/** Ends every maintenance. */
export const endMaintenance = () => endMutes(({ kind }) => kind === "maintenance");

async function endMutes(isEnded: (mute: Pick<Mute, "kind" | "rule">) => boolean): Promise<void> {
  const mutes = await ask(api.api.mutes.get(patience()));
  if (!mutes.ok) {
    trouble.value = t("actionFailed");
    return;
  }
  for (const { id } of mutes.value.items.filter(isEnded)) await endMute(id);
}

async function act(request: () => Promise<{ data: unknown; error: unknown; status: number }>): Promise<void> {
  const answer: Answer<unknown> = await ask(request());
  trouble.value = answer.ok ? null : t(answer.code === "incident_over" ? "actionOver" : "actionFailed");
  doings.value++;
}
