import type { AlertSettings } from "../../config/alert-keys.ts";
import type { Gap } from "../../domain/gap.ts";
import type { Incident } from "../../domain/incidents/incident.ts";
import type { IncidentRule } from "../../domain/incidents/incident-rules.ts";
import type { Observation } from "../observation.ts";
import { type Change, end, freshState, type RuleState, step } from "./rule-state.ts";
import { rules, stateKeyOf } from "./rules.ts";

/** State of all rules between two evaluations. */
export type MonitorState = {
  /** Time of the latest evaluation, µs. */
  readonly atUs: number;
  readonly lastId: number;
  readonly rules: ReadonlyMap<string, RuleState>;
};

/** A longer pause between evaluations means that the machine slept, so earlier observations are outdated, µs. */
const pauseUs = 60_000_000;

/** Most time between the ends of a gap and the ends of the incident that reports it, µs. */
const slackUs = 5_000_000;

/** Ids count seconds since this time, µs, so that an id is never reused, even if the catalogue was lost. */
const idStartUs = Date.UTC(2026, 0, 1) * 1000;

/** Creates the state at a start, with the incidents of earlier runs; ended incidents are in order, oldest first. */
export function beginning(
  earlier: { readonly open: readonly Incident[]; readonly ended: readonly Incident[]; readonly lastId: number },
  startedUs: number,
): MonitorState {
  const states = new Map<string, RuleState>();
  for (const { key } of rules) {
    const ended = earlier.ended.filter((incident) => stateKeyOf(incident) === key);
    const incident = earlier.open.find((incident) => stateKeyOf(incident) === key) ?? null;
    states.set(key, { ...freshState(startedUs), ended, incident, reported: incident });
  }
  return { atUs: startedUs, lastId: earlier.lastId, rules: states };
}

/**
 * Evaluates all rules and returns the next state and the changes of incidents, in order. Pure.
 * Each rule has at most one open incident, and for gaps each cause. While a parent rule finds a problem, a rule keeps silent: its incident neither opens nor
 * changes nor closes.
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
  const isBackfilling = seen.status.totals.holes > 0;
  const wasAsleep = nowUs - before.atUs > pauseUs;
  const wasPutBack = nowUs < before.atUs;
  let { lastId } = before;

  for (const entry of rules) {
    const { rule, key, parents } = entry;
    const previous = states.get(key) ?? freshState(nowUs);
    const awake = wasAsleep ? { ...previous, heldUs: nowUs } : previous;
    const state = wasPutBack ? withinTime(awake, nowUs) : awake;
    const ruleSettings = settings[rule];
    if (!ruleSettings.enabled) {
      apply(end(state, nowUs, nowUs));
      continue;
    }
    const look = { seen, nowUs, open: state.incident, sinceUs: state.heldUs };
    const isRaised = state.incident !== null || state.seenUs !== null;
    const finding = entry.find({ ...look, isRaised, isTold: (gap) => isReportedByOther(states, gap) }, settings);
    if (finding !== null && finding !== "unknown" && !finding.isPartial) silencing.add(rule);
    if (parents.some((parent) => silencing.has(parent))) {
      states.set(key, { ...state, heldUs: nowUs, seenUs: null });
      continue;
    }
    if (finding === "unknown") {
      states.set(key, state);
      continue;
    }
    const nextId = Math.max(lastId + 1, Math.floor((nowUs - idStartUs) / 1e6));
    apply(step(state, finding, { rule: entry, settings: ruleSettings, nowUs, nextId, isBackfilling }));

    function apply({ state, change }: { state: RuleState; change: Change | null }): void {
      states.set(key, state);
      if (change === null) return;
      changes.push(change);
      lastId = Math.max(lastId, change.incident.id);
    }
  }
  return { state: { atUs: nowUs, lastId, rules: states }, changes };
}

/** Limits the times of a rule to now, because the clock was set back. */
function withinTime(state: RuleState, nowUs: number): RuleState {
  const gone = state.gone && { atUs: Math.min(state.gone.atUs, nowUs), knownUs: Math.min(state.gone.knownUs, nowUs) };
  const seenUs = state.seenUs === null ? null : Math.min(state.seenUs, nowUs);
  return { ...state, heldUs: Math.min(state.heldUs, nowUs), seenUs, gone };
}

/** Marks an incident as known, or takes that back (`by` is null). Null if there is no such open incident, or if it is so already. */
export function acknowledge(
  before: MonitorState,
  id: number,
  by: string | null,
  nowUs: number,
): { readonly state: MonitorState; readonly incident: Incident } | null {
  for (const [rule, state] of before.rules) {
    if (state.incident?.id !== id || (state.incident.acknowledged === null) === (by === null)) continue;
    const acknowledged = by === null ? null : { at_us: nowUs, by };
    const incident = { ...state.incident, acknowledged, changed_us: nowUs };
    const rules = new Map(before.rules).set(rule, { ...state, incident, reported: incident });
    return { state: { ...before, rules }, incident };
  }
  return null;
}

/** Updates the cost of an open incident. */
export function withCost(before: MonitorState, incident: Incident): MonitorState {
  const key = stateKeyOf(incident);
  const state = before.rules.get(key);
  if (state?.incident?.id !== incident.id) return before;
  return { ...before, rules: new Map(before.rules).set(key, { ...state, incident }) };
}

/** Returns the open incidents, in the order of the rules. */
export function openOf(state: MonitorState): readonly Incident[] {
  return [...state.rules.values()].flatMap(({ incident }) => (incident === null ? [] : [incident]));
}

/** Tests whether an open or recently ended incident of another rule counts this gap among its costs. */
function isReportedByOther(states: ReadonlyMap<string, RuleState>, gap: Gap): boolean {
  return rules.some(({ rule, costs }) => {
    if (rule === "gap" || !costs.includes(gap.cause)) return false;
    const { incident = null, ended = [] } = states.get(rule) ?? {};
    return [...ended, ...(incident === null ? [] : [incident])].some((incident) => covers(incident, gap));
  });
}

function covers(incident: Incident, gap: Gap): boolean {
  const { rule, from_us, to_us, subjects } = incident;
  if (gap.to_us < from_us - slackUs || gap.from_us > (to_us ?? Number.MAX_SAFE_INTEGER) + slackUs) return false;
  return (
    rule !== "stale" || subjects.some((subject) => subject === gap.symbol || subject === `${gap.symbol} ${gap.stream}`)
  );
}
