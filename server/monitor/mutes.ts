import type { Incident, Mute } from "../domain/incident.ts";
import type { IncidentRule } from "../domain/incident-rules.ts";

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

/** `kept` is what earlier runs left; `save` and `remove` keep it for the next one, and must not throw. */
export function createMutes(
  kept: readonly Mute[],
  deps: { nowUs: () => number; save: (mute: Mute) => void; remove: (id: number) => void },
): Mutes {
  let all = [...kept];
  let lastId = Math.max(0, ...kept.map(({ id }) => id));

  function drop(those: readonly Mute[]): void {
    for (const { id } of those) deps.remove(id);
    all = all.filter((mute) => !those.includes(mute));
  }

  function active(): readonly Mute[] {
    const now = deps.nowUs();
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
