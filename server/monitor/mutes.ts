import type { Incident, Mute } from "../domain/incidents/incident.ts";
import type { IncidentRule } from "../domain/incidents/incident-rules.ts";

/** Mutes: which notifications are paused, and until when. */
export type Mutes = {
  /** Returns the mutes in force. */
  active(): readonly Mute[];
  /**
   * Adds a mute and returns the mute in force. The longer mute of a target replaces the shorter mute. A mute of more than a target ends
   * mutes within it that are over sooner.
   */
  add(what: Pick<Mute, "rule" | "symbol" | "kind">, untilUs: number, by: string): Mute;
  /** Ends a mute, or all mutes (null). Returns how many it ended. */
  remove(id: number | null): number;
  covers(incident: Incident): boolean;
};

/** Most mutes. Beyond this, the oldest is dropped. */
const maxMutes = 100;

/** Smallest shift of the clock that moves the end of a mute, µs. */
const exactUs = 1_000_000;

/**
 * Creates the mutes. `kept` are mutes of earlier runs; `save` and `remove` store them for the next run and must not throw.
 * `steadyUs` is a clock that is never set. A mute of this run lasts as long as intended: when the other clock is set, its end moves
 * along.
 */
export function createMutes(
  kept: readonly Mute[],
  deps: { nowUs: () => number; steadyUs: () => number; save: (mute: Mute) => void; remove: (id: number) => void },
): Mutes {
  let all = [...kept];
  /** Ids of the mutes of this run. */
  const fromThisRun = new Set<number>();
  let knownShiftUs = deps.nowUs() - deps.steadyUs();
  let lastId = Math.max(0, ...kept.map(({ id }) => id));

  function drop(ended: readonly Mute[]): void {
    for (const { id } of ended) {
      fromThisRun.delete(id);
      deps.remove(id);
    }
    all = all.filter((mute) => !ended.includes(mute));
  }

  /** Moves the ends of this run's mutes by the amount that the clock was set. */
  function followClock(now: number): void {
    const shiftUs = now - deps.steadyUs();
    if (Math.abs(shiftUs - knownShiftUs) < exactUs) return;
    const byUs = shiftUs - knownShiftUs;
    knownShiftUs = shiftUs;
    all = all.map((mute) => (fromThisRun.has(mute.id) ? { ...mute, until_us: mute.until_us + byUs } : mute));
    for (const mute of all) if (fromThisRun.has(mute.id)) deps.save(mute);
  }

  function active(): readonly Mute[] {
    const now = deps.nowUs();
    followClock(now);
    const over = all.filter(({ until_us }) => until_us <= now);
    if (over.length > 0) drop(over);
    return all;
  }

  return {
    active,
    add({ rule, symbol, kind }, untilUs, by) {
      const isSame = (mute: Mute) => mute.rule === rule && mute.symbol === symbol && mute.kind === kind;
      const longer = active().find((mute) => isSame(mute) && mute.until_us >= untilUs);
      if (longer !== undefined) return longer;
      const isWithin = (mute: Mute) =>
        (rule === null || rule === mute.rule) && (symbol === null || symbol === mute.symbol);
      drop(all.filter((mute) => isSame(mute) || (mute.kind === kind && isWithin(mute) && mute.until_us <= untilUs)));
      drop(all.slice(0, Math.max(0, all.length + 1 - maxMutes)));
      lastId = Math.max(lastId + 1, Math.floor(deps.nowUs() / 1e6) - 1_767_225_600);
      const mute: Mute = {
        id: lastId,
        rule,
        symbol,
        from_us: deps.nowUs(),
        until_us: untilUs,
        by: by.slice(0, 100),
        kind,
      };
      fromThisRun.add(mute.id);
      all = [...all, mute];
      deps.save(mute);
      return mute;
    },
    remove(id) {
      const ended = active().filter((mute) => id === null || mute.id === id);
      drop(ended);
      return ended.length;
    },
    covers: (incident) => active().some((mute) => matches(mute, incident)),
  };
}

/** Tests whether a mute covers an incident. A mute of a symbol covers only incidents about this symbol alone. */
function matches(mute: { rule: IncidentRule | null; symbol: string | null }, incident: Incident): boolean {
  if (mute.rule !== null && mute.rule !== incident.rule) return false;
  if (mute.symbol === null) return true;
  const { subjects, subject_count } = incident;
  return (
    subjects.length > 0 &&
    subjects.length === subject_count &&
    subjects.every((subject) => subject.split(" ")[0] === mute.symbol)
  );
}
