import type { AlertSettings } from "../config/alert-keys.ts";
import type { GapCause } from "../domain/gap.ts";
import {
  type AlertStatus,
  byGravity,
  type Incident,
  type IncidentChange,
  type Incidents,
  type KeptIncidents,
  type Mute,
} from "../domain/incidents/incident.ts";
import { ruleFacts } from "../domain/incidents/incident-rules.ts";
import { messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import { createMutes, type Mutes } from "./mutes.ts";
import type { Observation } from "./observation.ts";
import { acknowledge, beginning, evaluate, type MonitorState, openOf, withCost } from "./rules/evaluate.ts";

/** Incidents, and what keeps them up to date. */
export type IncidentWatch = Incidents & {
  /** Takes up what earlier runs left. Call it before anything else. */
  start(): void;
  /** One look at everything, every few seconds. Never throws. */
  look(seen: Observation): void;
  /** Something is found, or has just gone: its end is known the better the sooner the next look is. */
  isAlert(): boolean;
  status(): AlertStatus;
};

/** What an incident has cost so far. */
export type Cost = Pick<Incident, "records_lost" | "records_lost_estimate">;

/** Refetching goes on after an incident is over; for so long its sum is brought up to date, µs. */
const afterwardsUs = 900_000_000;
const recentUs = 2 * 3_600_000_000;

/** Subjects of an incident in the live status. */
const fewSubjects = 5;

/** `kept` is asked anew each time; `costOf` tells what gaps of these causes have cost. What cannot be kept is kept later. */
export function createIncidents(
  settings: AlertSettings,
  deps: {
    readonly kept: () => KeptIncidents;
    readonly nowUs: () => number;
    /** A clock that nobody sets; default: the same. */
    readonly steadyUs?: () => number;
    readonly costOf: (incident: Incident, causes: readonly GapCause[]) => Cost;
    readonly log: Log;
  },
): IncidentWatch {
  const { nowUs, kept, log, steadyUs = nowUs } = deps;
  const listeners: ((incident: Incident, change: IncidentChange) => void)[] = [];
  const unsaved = new Map<number, Incident>();
  const saveMute = (mute: Mute) => void attempt("a mute", () => kept().saveMute(mute));
  const removeMute = (id: number) => void attempt("a mute", () => kept().removeMute(id));
  let state: MonitorState = beginning({ open: [], ended: [], lastId: 0 }, nowUs());
  let mutes: Mutes = createMutes([], { nowUs, steadyUs, save: saveMute, remove: removeMute });
  /** Ended lately: what they cost may still change. */
  let settling: Incident[] = [];
  let seenCosts = "";

  function attempt<T>(what: string, work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      log.warn(`cannot keep ${what} in the catalogue`, { reason: messageOf(error) });
      return null;
    }
  }

  function save(incident: Incident): void {
    unsaved.set(incident.id, incident);
    attempt("incidents", () => {
      for (const [id, one] of unsaved) {
        kept().save(one);
        unsaved.delete(id);
      }
    });
  }

  function tell(incident: Incident, change: IncidentChange): void {
    const { id, rule, severity } = incident;
    if (change === "opened" || change === "closed") {
      const { detail, subject_count } = incident;
      const fields = { id, rule, severity, subjects: subject_count || undefined, detail };
      if (change === "opened") log.warn("an incident has begun", fields);
      else
        log.info("an incident is over", {
          id,
          rule,
          seconds: secondsOf(incident),
          records_lost: incident.records_lost,
        });
    }
    for (const listener of listeners) {
      try {
        listener(incident, change);
      } catch (error) {
        log.error("somebody could not be told of an incident", { id, rule, error: messageOf(error) });
      }
    }
  }

  function costed(incident: Incident): Incident {
    const { costs } = ruleFacts[incident.rule];
    if (costs === undefined) return incident;
    const cost = attempt("what an incident cost", () => deps.costOf(incident, costs));
    return cost === null ? incident : { ...incident, ...cost };
  }

  /** Brings up to date what those that last, and those that ended lately, have cost, if it can have changed. */
  function renewCosts({ status: { totals } }: Observation): void {
    const key = `${totals.gaps} ${totals.records_repaired} ${totals.holes}`;
    if (key === seenCosts) return;
    seenCosts = key;
    for (const incident of openOf(state)) state = withCost(state, costed(incident));
    settling = settling.flatMap((incident) => {
      if (nowUs() - (incident.to_us ?? 0) > afterwardsUs) return [];
      const now = costed(incident);
      if (now.records_lost !== incident.records_lost || now.records_lost_estimate !== incident.records_lost_estimate)
        save(now);
      return [now];
    });
  }

  return {
    start() {
      const now = nowUs();
      const left = attempt("incidents", () => {
        const open = kept().open();
        const newest = open.filter(({ rule }, n) => !open.slice(n + 1).some((later) => later.rule === rule));
        for (const one of open) if (!newest.includes(one)) kept().save({ ...one, to_us: one.changed_us });
        return { open: newest, ended: kept().endedSince(now - recentUs), lastId: kept().lastId() };
      });
      if (left !== null) state = beginning(left, now);
      settling = [...(left?.ended ?? [])];
      const known = attempt("mutes", () => kept().mutes()) ?? [];
      mutes = createMutes(known, { nowUs, steadyUs, save: saveMute, remove: removeMute });
    },
    look(seen) {
      const found = evaluate(state, seen, settings, nowUs());
      state = found.state;
      if (found.changes.length > 0) seenCosts = "";
      renewCosts(seen);
      for (const { incident: bare, change } of found.changes) {
        const incident = costed(bare);
        if (change === "closed") settling.push(incident);
        save(incident);
        tell(incident, change);
      }
    },
    isAlert: () => [...state.rules.values()].some(({ seenUs, incident }) => seenUs !== null || incident !== null),
    open: () => [...openOf(state)].sort(byGravity),
    get: (id) =>
      openOf(state).find((one) => one.id === id) ?? unsaved.get(id) ?? attempt("incidents", () => kept().get(id)),
    page(limit, after) {
      const { items, next } = kept().page(limit, after);
      const open = openOf(state);
      return { items: items.map((item) => open.find(({ id }) => id === item.id) ?? item), next };
    },
    acknowledge(id, by) {
      const done = acknowledge(state, id, by.slice(0, 100), nowUs());
      if (done === null) return openOf(state).some((one) => one.id === id);
      state = done.state;
      save(done.incident);
      tell(done.incident, "acknowledged");
      return true;
    },
    mutes: () => mutes.active(),
    mute: (what, untilUs, by) => mutes.add(what, untilUs, by),
    unmute: (id) => mutes.remove(id),
    isMuted: (incident) => mutes.covers(incident),
    onChange: (listener) => void listeners.push(listener),
    status() {
      const open = [...openOf(state)].sort(byGravity);
      const ends = mutes.active().filter(({ kind }) => kind === "maintenance");
      return {
        open: open.map((one) => ({
          ...{ ...one, subjects: one.subjects.slice(0, fewSubjects) },
          unit: ruleFacts[one.rule].unit,
          muted: mutes.covers(one),
        })),
        maintenance_until_us: ends.length === 0 ? null : Math.max(...ends.map(({ until_us }) => until_us)),
      };
    },
  };
}

function secondsOf({ from_us, to_us }: Incident): number {
  return Math.round(((to_us ?? from_us) - from_us) / 1e5) / 10;
}
