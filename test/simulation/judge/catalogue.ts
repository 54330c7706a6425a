import { dataDir, type World } from "../world.ts";
import type { Findings, Violation } from "./judge.ts";
import type { StoredGap } from "./reader.ts";

/** The catalogue knows what the files know: every archived day, and every gap as journal or manifest have it. */
export function judgeCatalogue(world: World, { gaps }: Findings): readonly Violation[] {
  const violations: Violation[] = [];
  const say = (detail: string) => violations.push({ promise: "catalogue", detail });
  const database = world.sqlite.at(`${dataDir}/rt-data.sqlite`);
  if (database === null) {
    say("there is none");
    return violations;
  }
  const known = new Map(
    (database.query("select * from gap").all() as StoredGap[]).map((gap) => [keyOf(gap), gap] as const),
  );
  const wrong = gaps.filter((gap) => {
    const own = known.get(keyOf(gap));
    // A manifest has a gap clipped to its day.
    if (own === undefined) return !isWithin(gap, [...known.values()]);
    return own.to_us < gap.to_us || own.cause !== gap.cause;
  });
  const [first] = wrong;
  if (first !== undefined) say(`${wrong.length} gaps of the files are not in it, such as ${JSON.stringify(first)}`);
  const listed = new Set(
    (
      database.query("select stream, symbol, date from archive_day").all() as {
        stream: string;
        symbol: string;
        date: string;
      }[]
    ).map(({ stream, symbol, date }) => `stream=${stream}/symbol=${symbol}/date=${date}`),
  );
  const there = world.tree
    .files(`${dataDir}/archive`)
    .flatMap(({ path }) => /(stream=[^/]+\/symbol=[^/]+\/date=[^/]+)\/[^/]+\.manifest\.json$/.exec(path)?.[1] ?? []);
  for (const day of there) if (!listed.has(day)) say(`the archive ${day} is not in it`);
  for (const day of listed) if (!there.includes(day)) say(`it lists ${day}, which is not there`);
  return violations;
}

function keyOf({ stream, symbol, from_us }: StoredGap): string {
  return `${stream}/${symbol}/${from_us}`;
}

function isWithin(gap: StoredGap, gaps: readonly StoredGap[]): boolean {
  return gaps.some(
    (one) =>
      one.stream === gap.stream && one.symbol === gap.symbol && one.from_us <= gap.from_us && one.to_us >= gap.to_us,
  );
}
