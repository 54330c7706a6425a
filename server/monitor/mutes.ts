import type { Incident, Mute } from "../domain/incidents/incident.ts";
import type { IncidentRule } from "../domain/incidents/incident-rules.ts";

/** Who is not to be told of what, and until when. */
export type Mutes = {
  /** Those that hold now. */
  active(): readonly Mute[];
  /** Adds one, in the place of one of the same. */
  add(what: Pick<Mute, "rule" | "symbol" | "kind">, untilUs: number, by: string): Mute;
  /** Ends one, or all of them (null); returns how many there were. */
  remove(id: number | null): number;
  covers(incident: Incident): boolean;
};

/** More than this nobody means; the oldest goes. */
const mostMutes = 100;

/** An end that the clock's steps have moved by less stays as it was said, µs. */
const exactUs = 1_000_000;

/**
 * `kept` is what earlier runs left; `save` and `remove` keep it for the next one, and must not throw. `steadyUs` is a clock that nobody
 * sets: a mute of this run lasts as long as it was meant to, and its end moves with the steps of the other clock.
 */
export function createMutes(
  kept: readonly Mute[],
  deps: { nowUs: () => number; steadyUs: () => number; save: (mute: Mute) => void; remove: (id: number) => void },
): Mutes {
  let all = [...kept];
  /** Those of this run. */
  const own = new Set<number>();
  let knownShiftUs = deps.nowUs() - deps.steadyUs();
  let lastId = Math.max(0, ...kept.map(({ id }) => id));

  function drop(those: readonly Mute[]): void {
    for (const { id } of those) {
      own.delete(id);
      deps.remove(id);
    }
    all = all.filter((mute) => !those.includes(mute));
  }

  /** Moves the ends of this run's mutes by what the clock was set. */
  function follow(now: number): void {
    const shiftUs = now - deps.steadyUs();
    if (Math.abs(shiftUs - knownShiftUs) < exactUs) return;
    const byUs = shiftUs - knownShiftUs;
    knownShiftUs = shiftUs;
    all = all.map((mute) => (own.has(mute.id) ? { ...mute, until_us: mute.until_us + byUs } : mute));
    for (const mute of all) if (own.has(mute.id)) deps.save(mute);
  }

  function active(): readonly Mute[] {
    const now = deps.nowUs();
    follow(now);
    const over = all.filter(({ until_us }) => until_us <= now);
    if (over.length > 0) drop(over);
    return all;
  }

  return {
    active,
    add({ rule, symbol, kind }, untilUs, by) {
      drop(active().filter((mute) => mute.rule === rule && mute.symbol === symbol && mute.kind === kind));
      drop(all.slice(0, Math.max(0, all.length + 1 - mostMutes)));
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
      own.add(mute.id);
      all = [...all, mute];
      deps.save(mute);
      return mute;
    },
    remove(id) {
      const those = active().filter((mute) => id === null || mute.id === id);
      drop(those);
      return those.length;
    },
    covers: (incident) => active().some((mute) => isMeant(mute, incident)),
  };
}

/** A symbol's mute holds for what concerns this symbol alone. */
function isMeant(mute: { rule: IncidentRule | null; symbol: string | null }, incident: Incident): boolean {
  if (mute.rule !== null && mute.rule !== incident.rule) return false;
  if (mute.symbol === null) return true;
  const { subjects, subject_count } = incident;
  return (
    subjects.length > 0 &&
    subjects.length === subject_count &&
    subjects.every((subject) => subject.split(" ")[0] === mute.symbol)
  );
}
