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
import { rules, stateKeyOf } from "./rules/rules.ts";

/** Keeps incidents up to date by observing the recorder. */
export type IncidentWatch = Incidents & {
  /** Loads incidents of earlier runs. Must be called first. */
  start(): void;
  /** Evaluates all rules; must be called every few seconds. Never throws. */
  evaluate(seen: Observation): void;
  /** Returns true if a problem is present or has just gone. Then evaluate soon, so that its end is known exactly. */
  isAlert(): boolean;
  status(): Omit<AlertStatus, "notifies">;
};

/** The cost of an incident so far. */
export type Cost = Pick<Incident, "records_lost" | "records_lost_estimate">;

/** How long the cost of an ended incident is still updated, because backfill goes on, µs. */
const costUpdateUs = 900_000_000;
const recentUs = 2 * 3_600_000_000;

/** Most subjects of an incident in the live status. */
const maxSubjects = 5;

/**
 * Creates the watch. `kept` is called for each access to the store; `costOf` returns the cost of gaps with these causes.
 * Incidents that cannot be stored now are stored later.
 */
export function createIncidents(
  settings: AlertSettings,
  deps: {
    readonly kept: () => KeptIncidents;
    readonly nowUs: () => number;
    /** A clock that is never set. Default: `nowUs`. */
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
  /** Recently ended incidents, whose cost may still change. */
  let recentlyEnded: Incident[] = [];
  let seenCosts = "";

  function attempt<T>(item: string, work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      log.warn(`cannot read or save ${item} in the catalogue`, { reason: messageOf(error) });
      return null;
    }
  }

  function save(incident: Incident): void {
    unsaved.set(incident.id, incident);
    attempt("incidents", () => {
      for (const [id, pending] of unsaved) {
        kept().save(pending);
        unsaved.delete(id);
      }
    });
  }

  function publish(incident: Incident, change: IncidentChange): void {
    const { id, rule, severity } = incident;
    if (change === "opened" || change === "closed") {
      const { detail, subject_count } = incident;
      const fields = { id, rule, severity, subjects: subject_count || undefined, detail };
      if (change === "opened") log.warn("incident opened", fields);
      else
        log.info("incident closed", {
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
        log.error("a listener failed to handle an incident", { id, rule, error: messageOf(error) });
      }
    }
  }

  function withCurrentCost(incident: Incident): Incident {
    const costs = rules.find(({ key }) => key === stateKeyOf(incident))?.costs ?? [];
    if (costs.length === 0) return incident;
    const cost = attempt("the cost of an incident", () => deps.costOf(incident, costs));
    return cost === null ? incident : { ...incident, ...cost };
  }

  /**
   * Updates the cost of open and recently ended incidents, if it can have changed. A backfill that gives up changes no total, only what
   * its gap has lost, hence once a minute as well.
   */
  function updateCosts({ status: { totals } }: Observation): void {
    const key = `${totals.gaps} ${totals.records_repaired} ${totals.holes} ${Math.floor(nowUs() / 60e6)}`;
    if (key === seenCosts) return;
    seenCosts = key;
    for (const incident of openOf(state)) state = withCost(state, withCurrentCost(incident));
    recentlyEnded = recentlyEnded.flatMap((incident) => {
      if (nowUs() - (incident.to_us ?? 0) > costUpdateUs) return [];
      const now = withCurrentCost(incident);
      if (now.records_lost !== incident.records_lost || now.records_lost_estimate !== incident.records_lost_estimate)
        save(now);
      return [now];
    });
  }

  return {
    start() {
      const now = nowUs();
      const loaded = attempt("incidents", () => {
        const open = kept().open();
        const newest = open.filter(
          (incident, n) => !open.slice(n + 1).some((later) => stateKeyOf(later) === stateKeyOf(incident)),
        );
        for (const incident of open)
          if (!newest.includes(incident)) kept().save({ ...incident, to_us: incident.changed_us });
        return { open: newest, ended: kept().endedSince(now - recentUs), lastId: kept().lastId() };
      });
      if (loaded !== null) state = beginning(loaded, now);
      recentlyEnded = [...(loaded?.ended ?? [])];
      const known = attempt("mutes", () => kept().mutes()) ?? [];
      mutes = createMutes(known, { nowUs, steadyUs, save: saveMute, remove: removeMute });
    },
    evaluate(seen) {
      const result = evaluate(state, seen, settings, nowUs());
      state = result.state;
      if (result.changes.length > 0) seenCosts = "";
      updateCosts(seen);
      for (const { incident: evaluated, change } of result.changes) {
        const incident = withCurrentCost(evaluated);
        if (change === "closed") recentlyEnded.push(incident);
        save(incident);
        publish(incident, change);
      }
    },
    isAlert: () => [...state.rules.values()].some(({ seenUs, incident }) => seenUs !== null || incident !== null),
    open: () => [...openOf(state)].sort(byGravity),
    get: (id) =>
      openOf(state).find((incident) => incident.id === id) ??
      unsaved.get(id) ??
      attempt("incidents", () => kept().get(id)),
    page(limit, after) {
      const { items, next } = kept().page(limit, after);
      const open = openOf(state);
      return { items: items.map((item) => open.find(({ id }) => id === item.id) ?? item), next };
    },
    acknowledge(id, by) {
      const done = acknowledge(state, id, by?.slice(0, 100) ?? null, nowUs());
      if (done === null) return openOf(state).some((incident) => incident.id === id);
      state = done.state;
      save(done.incident);
      publish(done.incident, by === null ? "unacknowledged" : "acknowledged");
      return true;
    },
    isGone: (id) =>
      [...state.rules.values()].some((rule) => rule.incident?.id === id && rule.gone !== null && !rule.isOver),
    mutes: () => mutes.active(),
    mute: (target, untilUs, by) => mutes.add(target, untilUs, by),
    unmute: (id) => mutes.remove(id),
    isMuted: (incident) => mutes.covers(incident),
    onChange: (listener) => void listeners.push(listener),
    status() {
      const open = [...openOf(state)].sort(byGravity);
      const ends = mutes.active().filter(({ kind }) => kind === "maintenance");
      return {
        open: open.map((incident) => ({
          ...incident,
          subjects: incident.subjects.slice(0, maxSubjects),
          unit: ruleFacts[incident.rule].unit,
          muted: mutes.covers(incident),
        })),
        maintenance_until_us: ends.length === 0 ? null : Math.max(...ends.map(({ until_us }) => until_us)),
      };
    },
  };
}

function secondsOf({ from_us, to_us }: Incident): number {
  return Math.round(((to_us ?? from_us) - from_us) / 1e5) / 10;
}
