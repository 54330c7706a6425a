import {
  byGravity,
  type Incident,
  type IncidentChange,
  type Incidents,
  type Mute,
} from "../../../server/domain/incidents/incident.ts";

/** An incident with what does not matter filled in. */
export function fakeIncident(over: Partial<Incident> & Pick<Incident, "id" | "rule">): Incident {
  const from_us = over.from_us ?? Date.now() * 1000 - 600_000_000;
  return {
    ...{ severity: "warning", from_us, to_us: null, changed_us: from_us + 30_000_000, subjects: [] },
    subject_count: over.subjects?.length ?? 0,
    ...{ value: null, worst: null, limit: null, detail: null, records_lost: null, records_lost_estimate: null },
    ...{ flaps: 0, acknowledged: null },
    ...over,
  };
}

/** Incidents in memory, for those who show them; the newest last. */
export function fakeIncidents(all: Incident[] = [], nowUs = () => Date.now() * 1000): Incidents {
  let mutes: Mute[] = [];
  const listeners: ((incident: Incident, change: IncidentChange) => void)[] = [];
  const open = () => all.filter(({ to_us }) => to_us === null).sort(byGravity);
  return {
    open,
    get: (id) => all.find((one) => one.id === id) ?? null,
    page(limit, after) {
      const older = [...all].reverse().filter(({ id }) => after === null || id < Number(after));
      return { items: older.slice(0, limit), next: older.length > limit ? String(older[limit - 1]?.id) : null };
    },
    acknowledge(id, by) {
      const at = all.findIndex((one) => one.id === id && one.to_us === null);
      const found = all[at];
      if (found === undefined) return false;
      all[at] = { ...found, acknowledged: by === null ? null : { at_us: nowUs(), by } };
      for (const listener of listeners) listener(all[at], by === null ? "unacknowledged" : "acknowledged");
      return true;
    },
    mutes: () => mutes,
    mute(what, untilUs, by) {
      const mute = { ...what, id: mutes.length + 1, from_us: nowUs(), until_us: untilUs, by };
      mutes = [...mutes, mute];
      return mute;
    },
    unmute(id) {
      const before = mutes.length;
      mutes = mutes.filter((mute) => id !== null && mute.id !== id);
      return before - mutes.length;
    },
    isGone: () => false,
    isMuted: ({ rule }) => mutes.some((mute) => mute.rule === null || mute.rule === rule),
    onChange: (listener) => void listeners.push(listener),
  };
}
