import { basename } from "node:path";
import type { DemoControl, DemoState } from "../../domain/demo.ts";
import { after } from "../../platform/time/timers.ts";
import type { Faults } from "../../simulator/faults/faults.ts";

/** How long the connection stays cut, ms: long enough for a gap that everybody sees. */
export const cutMs = 10_000;

/** The controls of a demo, and its script: the connection is cut once by itself. */
export type ScriptedDemo = DemoControl & {
  /** Starts the script: the connection is cut after `afterS` seconds; 0: never. */
  start(afterS: number): void;
  /** Reports how much of the invented past is there, 0 to 1. */
  setPast(share: number): void;
  stop(): void;
};

/** Creates the controls. `faults` belong to the simulated exchange. */
export function createDemoControl(
  dataDir: string,
  deps: { readonly faults: Pick<Faults, "begin">; readonly nowUs: () => number },
): ScriptedDemo {
  const { faults, nowUs } = deps;
  const next = nextSteps(dataDir);
  let cutUntilUs: number | null = null;
  let nextCutUs: number | null = null;
  let past = 1;
  let mend = () => {};
  let cancel = () => {};

  const state = (): DemoState => ({
    data_dir: dataDir,
    cut_until_us: cutUntilUs,
    next_cut_us: nextCutUs,
    past,
    next,
  });

  function cut(): DemoState {
    if (cutUntilUs !== null) return state();
    const cuts = [faults.begin({ kind: "refuse-connect", status: 503 }), faults.begin({ kind: "reset" })];
    cutUntilUs = nowUs() + cutMs * 1000;
    const stopTimer = after(cutMs, () => mend());
    mend = () => {
      stopTimer();
      for (const fault of cuts) fault.end();
      cutUntilUs = null;
      mend = () => {};
    };
    return state();
  }

  return {
    state,
    cut,
    start(afterS) {
      if (afterS === 0) return;
      nextCutUs = nowUs() + afterS * 1e6;
      cancel = after(afterS * 1000, () => {
        nextCutUs = null;
        cut();
      });
    },
    setPast(share) {
      past = share;
    },
    stop() {
      cancel();
      mend();
    },
  };
}

/** Returns how this program is called: the executable, or the source with Bun. */
function programName(): string {
  return Bun.main.startsWith("/$bunfs/") ? `./${basename(process.execPath)}` : "bun server/main.ts";
}

function nextSteps(dataDir: string): DemoState["next"] {
  const name = programName();
  const files = `${dataDir}/archive/stream=depth20/symbol=BTCUSDT/*/*.jsonl.zst`;
  const query = `from read_json('${files}') limit 5`;
  return [
    { what: "list", command: `${name} ls --days --symbol BTCUSDT --data-dir ${dataDir}` },
    { what: "verify", command: `${name} verify --allow-gaps --data-dir ${dataDir}` },
    { what: "query", command: `duckdb -c "${query}"` },
    { what: "record", command: `${name} record` },
  ];
}

/** The text on the terminal. */
export function demoBanner(
  { data_dir, next }: DemoState,
  texts: { readonly source: string; readonly dashboard: string; readonly cutS: number },
): string[] {
  const labels = {
    list: "the records, day by day",
    verify: "prove it: checksums, ids, gaps",
    query: "read it with DuckDB",
    record: "record the real market",
  };
  return [
    `RT-Data demo: ${texts.source}. It needs no network, and nothing leaves this machine.`,
    `Dashboard: ${texts.dashboard}`,
    `Data:      ${data_dir} (delete the folder to start afresh)`,
    "",
    ...(texts.cutS > 0
      ? [
          `In ${texts.cutS} s the connection is cut for ${cutMs / 1000} s. Watch the page: the gap is written down, missing trades are fetched, and all`,
          "is well again.",
          "",
        ]
      : []),
    "Try next, in another terminal:",
    ...next.flatMap(({ what, command }) => [`  # ${labels[what]}`, `  ${command}`]),
  ];
}
