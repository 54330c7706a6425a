import { expect, test } from "bun:test";
import type { ConnectionStatus } from "../../../../server/domain/status.ts";
import { compareWithEmitted, keyOf, startContinuity } from "../../../support/binance/gap-check.ts";
import { temporaryFolder } from "../../../support/folder.ts";
import { watchLateness } from "../../../support/time/lateness.ts";
import { until } from "../../../support/wait.ts";

const types = ["depth20@100ms", "depth@100ms", "aggTrade"];

test("50 changes of connection under 15 symbols × 3 streams at four times the market's speed, half of them announced by serverShutdown: no record is lost or doubled, and there is no gap", async () => {
  // A busy machine slows the market down, too: a book that rests for 2 s is not what this test is about.
  const staleMs = 30_000;
  const run = await startContinuity({ dataDir: temporaryFolder(), symbols: 15, types, speed: 4, staleMs });
  for (let n = 1; n <= 50; n++) {
    if (n % 2 === 0) run.feed.rollOver();
    else run.exchange.announceShutdown();
    await until(() => run.feed.counts().rollovers === n, `change ${n}`, 30_000);
    await until(() => run.exchange.stats().connections === 1, "the old connection to be closed");
  }
  await run.stop();
  const { recorded, ...result } = compareWithEmitted(run.emitted, run.dataDir);
  const { duplicates, rollovers, reconnects } = run.feed.counts();
  console.log(JSON.stringify({ emitted: run.emitted.length, recorded, duplicates, rollovers, reconnects }));
  expect(result).toEqual({ lost: [], doubled: 0, strange: 0, disordered: 0 });
  expect(run.gaps).toEqual([]);
  expect(run.got.epochs).toBe(0);
  expect(duplicates).toBeGreaterThan(100);
}, 120_000);

test.concurrent("with two sockets at all times, cutting them in turn loses no record: lost 0, doubled 0", async () => {
  const run = await startContinuity({ dataDir: temporaryFolder(), symbols: 15, types, speed: 4, connections: 2 });
  const bothDeliver = () => areEstablished(run);
  for (let n = 0; n < 8; n++) {
    await until(bothDeliver, "both sockets to deliver");
    const [oldest] = run.exchange.connections();
    run.exchange.disconnect(oldest ?? 0, n % 2 === 0 ? "terminate" : { code: 1001, reason: "" });
    await until(() => run.feed.counts().reconnects > n, "the cut to be noticed");
  }
  await until(bothDeliver, "both sockets to deliver");
  await run.stop();
  const { recorded, ...result } = compareWithEmitted(run.emitted, run.dataDir);
  console.log(JSON.stringify({ emitted: run.emitted.length, recorded, ...run.feed.counts() }));
  expect(result).toEqual({ lost: [], doubled: 0, strange: 0, disordered: 0 });
  expect(run.gaps.filter(({ missing }) => missing !== 0)).toEqual([]);
}, 120_000);

test.concurrent("with one socket every lost message lies within a recorded gap, no gap is wider than the outage by more than a second, and the ids that are missing are counted", async () => {
  const run = await startContinuity({ dataDir: temporaryFolder(), symbols: 15, types, speed: 4 });
  const outages: { readonly fromUs: number; toUs: number }[] = [];
  const lateness = watchLateness();
  for (let n = 0; n < 6; n++) {
    await until(() => areEstablished(run), "data for a while", 30_000);
    const fromUs = run.nowUs();
    run.exchange.disconnectAll(n % 2 === 0 ? "terminate" : { code: 1008, reason: "Pong timeout" });
    await until(() => run.exchange.stats().streams === 0, "the cut");
    await until(() => run.exchange.stats().streams === 45, "the reconnect", 30_000);
    outages.push({ fromUs, toUs: run.nowUs() });
  }
  await run.stop();
  const { lost, ...result } = compareWithEmitted(run.emitted, run.dataDir);
  expect(result).toMatchObject({ doubled: 0, strange: 0, disordered: 0 });
  expect(lost.length).toBeGreaterThan(100);
  const unexplained = lost.filter(
    ({ key, afterUs, beforeUs }) =>
      !run.gaps.some((gap) => keyOf(gap.stream) === key && gap.fromUs <= beforeUs && gap.toUs >= afterUs),
  );
  expect(unexplained).toEqual([]);
  lateness.stop();
  // Records that the machine held up belong to the gap, since their order is unknown.
  const widestUs = 1_000_000 + 2000 * lateness.worstMs();
  for (const { fromUs, toUs } of run.gaps) {
    const outage = outages.find((one) => one.fromUs <= toUs && fromUs <= one.toUs);
    expect(toUs - fromUs - ((outage?.toUs ?? 0) - (outage?.fromUs ?? 0))).toBeLessThan(widestUs);
  }
  const trades = run.gaps.filter(({ stream }) => stream.type.kind === "aggTrade");
  const missing = trades.reduce((sum, gap) => sum + (gap.missing ?? 0), 0);
  expect(missing).toBe(lost.filter(({ key }) => key.endsWith("/aggTrade")).length);
  console.log(
    JSON.stringify({
      emitted: run.emitted.length,
      recorded: result.recorded,
      lost: lost.length,
      gaps: run.gaps.length,
      trades_missing: missing,
    }),
  );
}, 240_000);

/** Every connection has delivered long enough for a cut to be a new event. */
function areEstablished({ feed, nowUs }: Awaited<ReturnType<typeof startContinuity>>): boolean {
  const isEstablished = ({ state, since_us, last_recv_us }: ConnectionStatus) =>
    state === "open" && last_recv_us !== null && nowUs() - since_us > 2_100_000;
  return feed.connections().every(isEstablished);
}
