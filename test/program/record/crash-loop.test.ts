import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { dateOf } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { readJournal } from "../../../server/journal/journal.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { askCatalogue, sqliteMissing } from "../../support/machine/sqlite-lock.ts";
import { records, startCutMarket } from "../../support/simulator/cut-market.ts";
import { until } from "../../support/wait.ts";

const stopping: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stopping.splice(0)) await stop();
});

/** The market sends books of each symbol ten times a second; on a busy machine now and then one comes late. */
const quietUs = 2_500_000;

async function setUp() {
  const dataDir = join(temporaryFolder(), "data");
  const market = await startCutMarket(dataDir);
  stopping.push(market.stop);
  const errors: string[] = [];
  /** Starts a recorder and kills it so long after, ms; `isUp`: after it serves its page. */
  const killAfter = async (ms: number, isUp = false) => {
    const { program } = market.spawn();
    if (isUp) await program.url();
    await Bun.sleep(ms);
    program.kill("SIGKILL");
    await program.ended;
    errors.push(program.errors());
  };
  const first = await market.record();
  await records(first.status);
  first.program.kill("SIGKILL");
  await first.program.ended;
  /** The last start, which records and stops; then what the files and the lists say of the books of one symbol. */
  const finish = async () => {
    const last = await market.record();
    await records(last.status);
    await until(async () => (await last.status()).totals.holes === 0, "the trades to be refetched", 30_000);
    last.program.kill("SIGTERM");
    expect(await last.program.ended).toBe(0);
    errors.push(last.program.errors());
    const day = { stream: "depth20", symbol: "BTCUSDT", date: dateOf(Date.now() * 1000) };
    const stamps = (readRecords(dataDir).get("BTCUSDT/depth20") ?? []).map(({ recvUs }) => recvUs);
    const absences = stamps.flatMap((us, n) => {
      const next = stamps[n + 1];
      return next !== undefined && next - us > quietUs ? [[us, next] as const] : [];
    });
    return { gaps: readJournal(dataDir)?.gapsOf(day) ?? [], absences };
  };
  return { dataDir, market, killAfter, finish, errors };
}

function overlaps(gaps: readonly Gap[]): string[] {
  return gaps.flatMap((gap, n) => {
    const next = gaps[n + 1];
    return next !== undefined && next.from_us < gap.to_us ? [`${gap.from_us}-${gap.to_us} and ${next.from_us}`] : [];
  });
}

test(`twelve starts that are killed before they record leave a single gap per stream, as long as the time without records${sqliteMissing}`, async () => {
  const { dataDir, market, killAfter, finish, errors } = await setUp();
  await market.cut();
  for (let n = 0; n < 6; n++) {
    await killAfter(100 + n * 100);
    await killAfter(n * 50, true);
  }
  await market.restore();
  const { gaps, absences } = await finish();
  expect(errors.join("")).not.toContain("NOT NULL");
  expect(gaps.map(({ cause }) => cause)).toEqual(["crash"]);
  expect(absences).toHaveLength(1);
  const [fromUs = 0, toUs = 0] = absences[0] ?? [];
  const [gap] = gaps;
  expect(gap?.from_us).toBeLessThanOrEqual(fromUs);
  expect(gap?.from_us).toBeGreaterThan(fromUs - 1_500_000);
  expect(Math.abs((gap?.to_us ?? 0) - toUs)).toBeLessThan(1_000_000);
  if (sqliteMissing !== "") return;
  const question = "select count(*), count(distinct stream || symbol) from gap where cause in ('crash', 'restart')";
  expect(askCatalogue(dataDir, question)).toEqual(["4|4"]);
}, 90_000);

test("starts that are killed at random moments of their first seconds leave gaps that do not overlap and cover all missing times", async () => {
  const { killAfter, finish, errors } = await setUp();
  for (let n = 0; n < 8; n++) await killAfter(200 + Math.random() * 1800);
  const { gaps, absences } = await finish();
  expect(errors.join("")).not.toContain("NOT NULL");
  expect(overlaps(gaps)).toEqual([]);
  const open = absences.filter(([from, to]) => !gaps.some((gap) => gap.from_us <= from && gap.to_us >= to - 1_000_000));
  expect(open).toEqual([]);
}, 120_000);
