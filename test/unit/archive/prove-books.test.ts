import { afterAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { proveBooks } from "../../../server/archive/verify/prove-books.ts";
import type { ProvedBooks } from "../../../server/domain/book/book-proof.ts";
import { type RealRow, realRows, rowsText } from "../../support/data/capture-rows.ts";
import { writeRaw } from "../../support/data/day-fixture.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { realDataMissing } from "../../support/simulator/real-data.ts";

const capture = "btc-eth.2024-08-08.jsonl.gz";
const date = "2024-08-08";
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

type Change = (diffs: RealRow[]) => RealRow[];

const names = [`depth20+trade.${capture}`, `raw-depth+trade+bookTicker.${capture}`, `raw-rest-depth.${capture}`];

function partialRows(): readonly RealRow[] {
  const files = [...realRows([`depth20+trade.${capture}`]).values()];
  return files.find(({ segment }) => segment.stream === "depth20" && segment.symbol === "BTCUSDT")?.rows ?? [];
}

/** Proves the capture's books of one symbol after its diffs were changed. */
async function prove(change: Change = (diffs) => diffs, symbol = "BTCUSDT"): Promise<ProvedBooks> {
  const folder = temporaryFolder();
  folders.push(folder);
  for (const { segment, rows } of realRows(names).values())
    if (segment.symbol === symbol && segment.stream !== "trade")
      writeRaw(folder, segment, rowsText(segment.stream === "depth" ? change(rows) : rows));
  const proved = await proveBooks(folder, { symbol, date }, { onTurn: () => {} });
  if (proved === null) throw new Error("no diffs");
  return proved;
}

type Parsed = { readonly U: number; readonly u: number; readonly b: readonly (readonly [string, string])[] };
const parsed = ({ payload }: RealRow) => JSON.parse(payload) as Parsed;
const levelsOf = ({ payload }: RealRow) => payload.slice(payload.indexOf('"b":['));

test.skipIf(realDataMissing !== "")(
  `the books of a real capture are proved; an altered quantity, a dropped and a swapped diff are each found and named${realDataMissing}`,
  async () => {
    const right = await prove();
    expect(right).toEqual({
      ...{ proved: 4012, compared_levels: 139_048, differences: 0, unprovable: null, found: [], missing: [] },
      witnesses: { depth20: 3448, bookTicker: 564 },
    });

    const other = await prove(undefined, "ETHUSDT");
    expect([other.differences, other.unprovable, other.witnesses]).toEqual([
      0,
      null,
      { depth20: 3432, bookTicker: 577 },
    ]);

    // One quantity of a level that the partial book of the same id shows.
    const partials = new Map(partialRows().map(({ payload }) => [/"lastUpdateId":(\d+)/.exec(payload)?.[1], payload]));
    let altered: object | null = null;
    const one = await prove((diffs) =>
      diffs.map((row, n) => {
        const { u, b } = parsed(row);
        const level = b.find(([price, quantity]) => partials.get(String(u))?.includes(`["${price}","${quantity}"]`));
        if (n < 1000 || altered !== null || level === undefined) return row;
        const [price, expected] = level;
        altered = { stream: "depth20", id: u, side: "bid", price, expected, found: "77.00000000" };
        return { ...row, payload: row.payload.replace(`["${price}","${expected}"]`, `["${price}","77.00000000"]`) };
      }),
    );
    expect(one.found).toEqual([altered] as unknown as ProvedBooks["found"]);
    expect([one.differences, one.unprovable]).toEqual([1, null]);

    let gone = { fromId: 0, toId: 0 };
    const dropped = await prove((diffs) => {
      const { U, u } = parsed(diffs[1000] as RealRow);
      gone = { fromId: U, toId: u };
      return diffs.toSpliced(1000, 1);
    });
    const { proved, differences, unprovable, missing } = dropped;
    expect({ differences, unprovable, missing }).toEqual({
      differences: 0,
      unprovable: "missing_ids",
      missing: [gone],
    });
    expect(proved).toBeLessThan(1300);

    // Two diffs with each other's levels: no id is missing.
    let swappedId = 0;
    const swapped = await prove((diffs) => {
      const [a, b] = [diffs[1000], diffs[1001]] as [RealRow, RealRow];
      swappedId = parsed(a).u;
      const withLevels = (row: RealRow, of: RealRow) => ({
        ...row,
        payload: row.payload.replace(levelsOf(row), levelsOf(of)),
      });
      return diffs.toSpliced(1000, 2, withLevels(a, b), withLevels(b, a));
    });
    expect([swapped.unprovable, swapped.missing]).toEqual([null, []]);
    expect(swapped.differences).toBeGreaterThan(0);
    expect(swapped.found[0]).toMatchObject({ stream: "depth20", id: swappedId });
  },
  60_000,
);
