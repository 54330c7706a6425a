import type { Log } from "../../platform/log/log.ts";
import { aborted } from "../../platform/time/deadline.ts";
import { createReplayControl } from "../../simulator/control/replay-control.ts";
import { createSyntheticMarket } from "../../simulator/market/synthetic-market.ts";
import { createReplaySource, type ReplaySource } from "../../simulator/replay/replay-source.ts";
import { createSimulatedExchange, type SimulatedExchange } from "../../simulator/simulated-exchange.ts";
import { createSiteCheck } from "../../simulator/site-check.ts";
import type { GapsOf } from "../../storage/recorded-gaps.ts";
import { openGapList } from "../data/selection.ts";
import type { Command, Terminal } from "../framework/command.ts";
import { openScenario, type ReplaySettings, replayFlags, replaySettings } from "./replay-flags.ts";
import { createReplayTerminal } from "./replay-terminal.ts";

/** Symbols of the simulated market. */
const defaultSymbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];

/** Time limit for clients to answer the close at the end, ms. */
const goodbyeMs = 5000;

/** Time for a pending HTTP answer at the end, ms. */
const answerMs = 50;

/** A recording waits for its clients, so there are no limits of buffer, age or pings: a client may be busy with earlier data. */
const patient = {
  maxBufferedBytes: Number.POSITIVE_INFINITY,
  pongTimeoutMs: Number.POSITIVE_INFINITY,
  connectsPer5Minutes: Number.POSITIVE_INFINITY,
  lifeMs: Number.MAX_SAFE_INTEGER,
};

/** A client that does not read at all is dropped, as all other clients would wait for it too. */
const stall = { leastBytes: 64 * 1024, windowMs: 20_000 };

/** `rt-data replay` */
export const replay: Command = {
  name: "replay",
  summary: "serve recorded data through a Binance-compatible API",
  flags: replayFlags,
  examples: [
    ["rt-data replay --data ./data --from 2026-11-22T15:04 --to 2026-11-22T16:00", "an hour at recorded speed"],
    ["rt-data replay --data ./data --speed max --symbols BTCUSDT", "as fast as the client reads"],
    [
      "rt-data replay --data capture.jsonl.gz --time shifted --loop",
      "raw messages in an endless loop, with current times",
    ],
    [
      "curl -X POST 'http://127.0.0.1:9443/replay/seek?to=2026-11-22T15:30'",
      "change the position; also pause, resume, speed?value=10",
    ],
    ["curl http://127.0.0.1:9443/replay", "read the position"],
  ],
  async run(flags, terminal) {
    const settings = replaySettings(flags);
    const screen = createReplayTerminal(settings.logLevel, terminal);
    const { log } = screen;
    const scenario = openScenario(settings.faults, settings.seed, log);
    const recording = settings.data === null ? null : recordingOf(settings.data, settings, log);
    const source = recording ?? simulatedMarket(settings);
    const counts = () => {
      const { connections, messagesSent } = exchange.stats();
      return { clients: connections, sent: messagesSent };
    };
    const exchange = createSimulatedExchange(
      {
        host: settings.host,
        port: settings.port,
        ...(recording === null ? {} : patient),
        stall: settings.patient ? null : stall,
      },
      {
        ...{ source, faults: scenario.faults, log },
        ...{ route: createReplayControl(recording, counts), refuse: createSiteCheck(settings) },
      },
    );
    const { wsUrl, restUrl } = await exchange.start();
    try {
      scenario.start();
      terminal.print(`WebSocket: ${wsUrl}/stream`);
      terminal.print(`REST:      ${restUrl}/api/v3`);
      if (recording === null) {
        await aborted(terminal.stop);
        return 0;
      }
      terminal.print(`Control:   ${restUrl}/replay`);
      screen.start(recording.playReport, counts);
      return await playToEnd(recording, exchange, settings, terminal, log);
    } finally {
      screen.stop();
      scenario.stop();
      await exchange.stop();
    }
  },
};

function recordingOf(path: string, settings: ReplaySettings, log: Log): ReplaySource {
  return createReplaySource({ ...settings, path }, { log, gapsOf: gapListOf(path, log) });
}

function simulatedMarket({ symbols, seed, speed }: ReplaySettings) {
  return createSyntheticMarket({
    symbols: symbols ?? defaultSymbols,
    seed,
    speed: speed === "max" ? Number.POSITIVE_INFINITY : speed,
  });
}

function gapListOf(path: string, log: Log): GapsOf {
  return openGapList(path, (reason) => {
    log.warn("cannot read the gap list; gaps of days without a manifest are computed from the data", { reason });
  });
}

/** Plays the recording. Resolves with the exit code: 1 if a part of the recording could not be played. */
async function playToEnd(
  recording: ReplaySource,
  exchange: SimulatedExchange,
  settings: ReplaySettings,
  terminal: Terminal,
  log: Log,
): Promise<number> {
  const stopped = aborted(terminal.stop).then(() => ({ outcome: "stopped" as const }));
  const end = await Promise.race([recording.ended, stopped]);
  if (end.outcome === "failed") throw end.error;
  if (end.outcome === "complete") {
    await waitFor(() => terminal.stop.aborted || exchange.stats().bufferedBytes === 0);
    exchange.disconnectAll({ code: 1000, reason: "end of replay" });
    const deadline = performance.now() + goodbyeMs;
    await waitFor(() => terminal.stop.aborted || exchange.stats().closing === 0 || performance.now() > deadline);
    // A client that has moved the position to the end by /replay still waits for the answer.
    await Bun.sleep(answerMs);
  }
  const { gaps, damaged } = recording.flaws();
  const { messagesSent } = exchange.stats();
  log.info(end.outcome === "complete" ? "end of the replay" : "replay stopped", {
    messages: recording.played(),
    sent: messagesSent,
    gaps,
    damaged_files: damaged.length,
  });
  if (gaps > 0 && !settings.gaps) {
    log.warn("the recording has gaps that were not sent; --gaps sends them as events", { gaps });
  }
  if (damaged.length > 0) log.error("a part of the recording could not be played; the damaged files are named above");
  return damaged.length > 0 ? 1 : 0;
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(10);
}
