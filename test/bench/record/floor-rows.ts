import { median } from "../cpu.ts";
import { atMost, type Row, spread, told } from "../table.ts";
import { measureFloor, measureRecorder, measureScript, measureSideBySide, type Run } from "./record-against-floor.ts";

/**
 * Cost of a message in the Python original, and in the bare client on the same machine, µs; the goal is a multiple less. Machines are
 * compared by their bare clients.
 */
const original: Readonly<Record<number, { readonly us: number; readonly floorUs: number; readonly times: number }>> = {
  150: { us: 725, floorUs: 80, times: 6 },
  4500: { us: 153, floorUs: 8, times: 12 },
};

const rates = [150, 3000, 4500, 30_000] as const;

type Runs = { readonly bare: Run[]; readonly ours: Run[]; readonly unsealed: Run[] };

/** The whole program against the bare client at four rates, with what sealing has in it, against the original where that was measured, and flat out. */
export async function floorRows(options: { rounds: number; quick: boolean }): Promise<Row[]> {
  const rows: Row[] = [];
  for (const rate of rates) {
    const runs = await measureInTurn(rate, options);
    rows.push(againstFloor(rate, runs), ...withoutSealing(runs), ...againstOriginal(rate, runs));
  }
  rows.push(await flatOut(options));
  return rows;
}

/** At the rate of fifteen symbols as they are, in windows as they are by default, after so long that all is compiled: both sides at the same time. */
export async function steadyRows({ quick }: { quick: boolean }): Promise<Row[]> {
  const minutes = quick ? 3 : 25;
  const times = { warmUpMs: minutes * 60_000, measureMs: 60_000 };
  const found = await measureSideBySide(150, times, quick ? 2 : 5, { segmentMinutes: 5 });
  const [bare, ours] = [found.map(({ floor }) => floor), found.map((run) => run.ours)];
  const row = atMost(
    `the same side by side, in windows of 5 minutes, after ${minutes} minutes`,
    1.5,
    ratiosOf(ours, bare),
  );
  return [{ ...row, measured: `${row.measured}: ${cost(ours)} µs to ${cost(bare)} µs; ${mostMemory(ours)} MB` }];
}

/** The whole program, with sealing and a dashboard, against a Python script of ten lines that only writes JSON. */
export async function scriptRows({ rounds, quick }: { rounds: number; quick: boolean }): Promise<Row[]> {
  const rows: Row[] = [];
  for (const rate of [150, 3000]) {
    const isSlow = rate === 150;
    const times = { warmUpMs: isSlow && !quick ? 60_000 : 5000, measureMs: quick ? 15_000 : 60_000 };
    const [script, ours]: [Run[], Run[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      script.push(await measureScript(rate, { ...times, warmUpMs: 5000 }));
      ours.push(await measureRecorder(rate, times));
    }
    const row = atMost(`CPU a message at ${rate}/s, against a Python script of ten lines`, 0.5, ratiosOf(ours, script));
    rows.push({ ...row, measured: `${row.measured}: ${cost(ours)} µs to ${cost(script)} µs` });
  }
  return rows;
}

async function measureInTurn(rate: number, { rounds, quick }: { rounds: number; quick: boolean }): Promise<Runs> {
  const runs: Runs = { bare: [], ours: [], unsealed: [] };
  // Seldom used code is compiled late: at a low rate that takes minutes, which a recorder that runs for months does not notice.
  const isSlow = rate === 150;
  const warmUpMs = isSlow && !quick ? 180_000 : 5000;
  // CPU is counted in hundredths of a second: where little comes it takes long to count.
  const floorMs = isSlow ? 60_000 : 15_000;
  for (let round = 0; round < rounds; round++) {
    runs.bare.push(await measureFloor(rate, { warmUpMs: 5000, measureMs: quick ? floorMs / 3 : floorMs }));
    runs.ours.push(await measureRecorder(rate, { warmUpMs, measureMs: quick ? 15_000 : 60_000 }));
    if (isSlow || quick) continue;
    // Long enough for no window to end, but at the hour.
    runs.unsealed.push(await measureRecorder(rate, { warmUpMs, measureMs: 15_000 }, { segmentMinutes: 60 }));
  }
  return runs;
}

function againstFloor(rate: number, { bare, ours }: Runs): Row {
  const row = atMost(`CPU a message at ${rate}/s, against the bare client`, 1.5, ratiosOf(ours, bare));
  return { ...row, measured: `${row.measured}: ${cost(ours)} µs to ${cost(bare)} µs; ${mostMemory(ours)} MB` };
}

function withoutSealing({ bare, unsealed }: Runs): Row[] {
  if (unsealed.length === 0) return [];
  return [
    told("… while no window ends, so without sealing", `${spread(ratiosOf(unsealed, bare))}: ${cost(unsealed)} µs`),
  ];
}

function againstOriginal(rate: number, { bare, ours }: Runs): Row[] {
  const theirs = original[rate];
  if (theirs === undefined) return [];
  const times = ratiosOf(ours, bare).map((ratio) => theirs.us / theirs.floorUs / ratio);
  const [least, middle, most] = [Math.min(...times), median(times), Math.max(...times)].map((value) =>
    value.toFixed(1),
  );
  return [
    {
      what: `… and against the Python original, ${theirs.us} µs where the bare client took ${theirs.floorUs}`,
      goal: `≤ 1/${theirs.times}`,
      measured: times.length < 2 ? `1/${middle}` : `1/${middle} (1/${most}–1/${least})`,
      met: median(times) >= theirs.times,
    },
  ];
}

async function flatOut({ rounds, quick }: { rounds: number; quick: boolean }): Promise<Row> {
  const bare: Run[] = [];
  const ours: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(await measureFloor(0, { warmUpMs: 5000, measureMs: quick ? 5000 : 15_000 }));
    ours.push(await measureRecorder(0, { warmUpMs: 5000, measureMs: quick ? 5000 : 20_000 }));
  }
  const thousands = (runs: readonly Run[]) => runs.map(({ perSecond }) => perSecond / 1000);
  return {
    what: "flat out, thousand messages/s recorded, sender on the same cores",
    goal: "≥ 85",
    measured: `${spread(thousands(ours), 0)}; the bare client ${spread(thousands(bare), 0)}; ${cost(ours)} µs to ${cost(bare)} µs; ${mostMemory(ours)} MB`,
    met: median(thousands(ours)) >= 85,
  };
}

function ratiosOf(ours: readonly Run[], bare: readonly Run[]): number[] {
  return ours.map(({ usPerMessage }, n) => usPerMessage / (bare[n]?.usPerMessage ?? Number.NaN));
}

function cost(runs: readonly Run[]): string {
  return spread(
    runs.map(({ usPerMessage }) => usPerMessage),
    1,
  );
}

function mostMemory(runs: readonly Run[]): string {
  return (Math.max(...runs.map(({ memoryBytes }) => memoryBytes)) / 1e6).toFixed(0);
}
