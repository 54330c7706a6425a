import type { AlertSettings } from "../../config/alert-keys.ts";
import type { Gap } from "../../domain/gap.ts";
import type { Incident } from "../../domain/incidents/incident.ts";
import type { IncidentRule } from "../../domain/incidents/incident-rules.ts";
import type { Observation } from "../observation.ts";
import { type Change, end, freshState, type RuleState, step } from "./rule-state.ts";
import { rules } from "./rules.ts";

/** What is remembered from look to look. */
export type MonitorState = {
  /** The newest look, µs. */
  readonly atUs: number;
  readonly lastId: number;
  readonly rules: ReadonlyMap<IncidentRule, RuleState>;
};

/** Nobody looked for longer than this, µs: the machine slept, and what was seen before it says nothing of now. */
const pauseUs = 60_000_000;

/** A gap may begin so much before the incident that tells of it, and end so much after it, µs. */
const slackUs = 5_000_000;

/** Ids count seconds from here, µs, so that one is never used twice although the catalogue was lost. */
const idStartUs = Date.UTC(2026, 0, 1) * 1000;

/** The state of a start: what earlier runs left, ended ones oldest first, goes on. */
export function beginning(
  left: { readonly open: readonly Incident[]; readonly ended: readonly Incident[]; readonly lastId: number },
  startedUs: number,
): MonitorState {
  const states = new Map<IncidentRule, RuleState>();
  for (const { rule } of rules) {
    const ended = left.ended.filter((incident) => incident.rule === rule);
    const incident = left.open.find((one) => one.rule === rule) ?? null;
    states.set(rule, { ...freshState(startedUs), ended, incident, told: incident });
  }
  return { atUs: startedUs, lastId: left.lastId, rules: states };
}

/**
 * One look at everything: the next state, and what happened to incidents, in order. Pure. There is one incident a rule at most; what
 * is only a consequence of something else that is found keeps still: it neither begins nor changes nor ends.
 */
export function evaluate(
  before: MonitorState,
  seen: Observation,
  settings: AlertSettings,
  nowUs: number,
): { readonly state: MonitorState; readonly changes: readonly Change[] } {
  const changes: Change[] = [];
  const states = new Map(before.rules);
  const silencing = new Set<IncidentRule>();
  const isRefetching = seen.status.totals.holes > 0;
  const wasAsleep = nowUs - before.atUs > pauseUs;
  const wasPutBack = nowUs < before.atUs;
  let { lastId } = before;

  for (const entry of rules) {
    const { rule, parents } = entry;
    const known = states.get(rule) ?? freshState(nowUs);
    const awake = wasAsleep ? { ...known, heldUs: nowUs } : known;
    const state = wasPutBack ? putBack(awake, nowUs) : awake;
    const own = settings[rule];
    if (!own.enabled) {
      take(end(state, nowUs, nowUs));
      continue;
    }
    const look = { seen, nowUs, open: state.incident, sinceUs: state.heldUs };
    const isRaised = state.incident !== null || state.seenUs !== null;
    const finding = entry.find({ ...look, isRaised, isTold: (gap) => isToldBy(states, gap) }, settings);
    if (finding !== null && finding !== "unknown" && !finding.isPartial) silencing.add(rule);
    if (parents.some((parent) => silencing.has(parent))) {
      states.set(rule, { ...state, heldUs: nowUs, seenUs: null });
      continue;
    }
    if (finding === "unknown") {
      states.set(rule, state);
      continue;
    }
    const nextId = Math.max(lastId + 1, Math.floor((nowUs - idStartUs) / 1e6));
    take(step(state, finding, { rule: entry, settings: own, nowUs, nextId, isRefetching }));

    function take({ state, change }: { state: RuleState; change: Change | null }): void {
      states.set(rule, state);
      if (change === null) return;
      changes.push(change);
      lastId = Math.max(lastId, change.incident.id);
    }
  }
  return { state: { atUs: nowUs, lastId, rules: states }, changes };
}

/** The clock was put back: what was seen in its future is seen from now on. */
function putBack(state: RuleState, nowUs: number): RuleState {
  const gone = state.gone && { atUs: Math.min(state.gone.atUs, nowUs), knownUs: Math.min(state.gone.knownUs, nowUs) };
  const seenUs = state.seenUs === null ? null : Math.min(state.seenUs, nowUs);
  return { ...state, heldUs: Math.min(state.heldUs, nowUs), seenUs, gone };
}

/** Somebody knows of the incident; null where there is no such open one, or somebody knew already. */
export function acknowledge(
  before: MonitorState,
  id: number,
  by: string,
  nowUs: number,
): { readonly state: MonitorState; readonly incident: Incident } | null {
  for (const [rule, state] of before.rules) {
    if (state.incident?.id !== id || state.incident.acknowledged !== null) continue;
    const incident = { ...state.incident, acknowledged: { at_us: nowUs, by }, changed_us: nowUs };
    const rules = new Map(before.rules).set(rule, { ...state, incident, told: incident });
    return { state: { ...before, rules }, incident };
  }
  return null;
}

/** The same with what an open incident has cost by now. */
export function withCost(before: MonitorState, incident: Incident): MonitorState {
  const state = before.rules.get(incident.rule);
  if (state?.incident?.id !== incident.id) return before;
  return { ...before, rules: new Map(before.rules).set(incident.rule, { ...state, incident }) };
}

/** The open incidents, in the order of the table. */
export function openOf(state: MonitorState): readonly Incident[] {
  return [...state.rules.values()].flatMap(({ incident }) => (incident === null ? [] : [incident]));
}

/** An incident of another rule, open or ended lately, has this gap among its costs. */
function isToldBy(states: ReadonlyMap<IncidentRule, RuleState>, gap: Gap): boolean {
  return rules.some(({ rule, costs }) => {
    if (rule === "gap" || !costs?.includes(gap.cause)) return false;
    const { incident = null, ended = [] } = states.get(rule) ?? {};
    return [...ended, ...(incident === null ? [] : [incident])].some((one) => covers(one, gap));
  });
}

function covers(incident: Incident, gap: Gap): boolean {
  const { rule, from_us, to_us, subjects } = incident;
  if (gap.to_us < from_us - slackUs || gap.from_us > (to_us ?? Number.MAX_SAFE_INTEGER) + slackUs) return false;
  return (
    rule !== "stale" || subjects.some((subject) => subject === gap.symbol || subject === `${gap.symbol} ${gap.stream}`)
  );
}
