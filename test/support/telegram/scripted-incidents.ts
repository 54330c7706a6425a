import type { Incident, IncidentChange, Incidents, Mute } from "../../../server/domain/incidents/incident.ts";

/** Incidents that happen when the test says so. */
export type ScriptedIncidents = Incidents & {
  raise(of: Partial<Incident> & Pick<Incident, "rule">): Incident;
  change(id: number, of: Partial<Incident>, change?: IncidentChange): Incident;
  close(id: number, of?: Partial<Incident>): Incident;
};

/** All in memory. */
export function createScriptedIncidents(nowUs: () => number): ScriptedIncidents {
  const all = new Map<number, Incident>();
  const listeners: ((incident: Incident, change: IncidentChange) => void)[] = [];
  let mutes: Mute[] = [];
  let nextId = 1;

  function put(incident: Incident, change: IncidentChange): Incident {
    all.set(incident.id, incident);
    for (const listener of listeners) listener(incident, change);
    return incident;
  }

  function need(id: number): Incident {
    const incident = all.get(id);
    if (incident === undefined) throw new Error(`there is no incident ${id}`);
    return incident;
  }

  const newestFirst = () => [...all.values()].reverse();
  const current = () => mutes.filter(({ until_us }) => until_us > nowUs());

  return {
    raise(of) {
      const blank = { subjects: [], value: null, worst: null, limit: null, detail: null, records_lost: null };
      const now = nowUs();
      const incident: Incident = {
        id: nextId++,
        severity: "warning",
        from_us: now,
        to_us: null,
        changed_us: now,
        ...blank,
        flaps: 0,
        acknowledged: null,
        subject_count: of.subjects?.length ?? 0,
        ...of,
      };
      return put(incident, "opened");
    },
    change: (id, of, change = "changed") => put({ ...need(id), changed_us: nowUs(), ...of }, change),
    close: (id, of = {}) => put({ ...need(id), to_us: nowUs(), changed_us: nowUs(), ...of }, "closed"),
    open: () => [...all.values()].filter(({ to_us }) => to_us === null),
    get: (id) => all.get(id) ?? null,
    page(limit, after) {
      const items = newestFirst().filter(({ id }) => after === null || id < Number(after));
      const next = items.length > limit ? String(items[limit - 1]?.id) : null;
      return { items: items.slice(0, limit), next };
    },
    acknowledge(id, by) {
      const incident = all.get(id);
      if (incident === undefined || incident.to_us !== null) return false;
      const acknowledged = by === null ? null : { at_us: nowUs(), by };
      put({ ...incident, acknowledged }, by === null ? "unacknowledged" : "acknowledged");
      return true;
    },
    mutes: current,
    mute(what, until_us, by) {
      const mute: Mute = { id: mutes.length + 1, from_us: nowUs(), until_us, by, ...what };
      mutes.push(mute);
      return mute;
    },
    unmute(id) {
      const before = current().length;
      mutes = mutes.filter((mute) => id !== null && mute.id !== id);
      return before - current().length;
    },
    isGone: () => false,
    isMuted: (incident) =>
      current().some(
        ({ rule, symbol }) =>
          (rule === null || rule === incident.rule) &&
          (symbol === null || incident.subjects.every((subject) => subject.split(" ")[0] === symbol)),
      ),
    onChange: (listener) => void listeners.push(listener),
  };
}
