import { createApp } from "../../app/app.ts";
import type { Config } from "../../config/config.ts";
import { pagePath } from "../../domain/pages.ts";
import { OperatorError } from "../../platform/errors.ts";
import { createFaults } from "../../simulator/faults/faults.ts";
import { createSyntheticMarket } from "../../simulator/market/synthetic-market.ts";
import type { MarketSource } from "../../simulator/protocol/market-source.ts";
import { createReplaySource } from "../../simulator/replay/replay-source.ts";
import { createSimulatedExchange } from "../../simulator/simulated-exchange.ts";
import type { Command, Flags } from "../framework/command.ts";
import { configOf, settingFlags } from "../framework/config-flags.ts";
import { logWarnings, terminalLog } from "../framework/terminal-log.ts";
import { runApp } from "../record/run-recorder.ts";
import { createDemoControl, demoBanner } from "./demo-control.ts";
import { openPast } from "./past/past.ts";
import { openScenario } from "./replay-flags.ts";

/** Simulated data goes into a separate folder, so that it cannot be mistaken for recorded data. */
const demoDir = "./demo-data";

/** `rt-data demo` */
export const demo: Command = {
  name: "demo",
  summary: "try the whole program with a built-in simulated exchange; needs no network",
  flags: {
    ...settingFlags,
    data: {
      value: "PATH",
      help: "play this recording (a data folder, or a file of raw messages) instead of the simulated market",
    },
    speed: { value: "N", help: "with --data: playback speed (default 1)" },
    faults: { value: "FILE", help: "scenario of faults at the simulated exchange" },
    seed: { value: "N", help: "seed of the simulated market (default 1)" },
    past: { value: "DAYS", help: "days of an invented past in a new folder (default 14; 0: none)" },
    "cut-after": { value: "S", help: "seconds until the connection is cut once, to show a gap (default 90; 0: never)" },
    "data-dir": { value: "DIR", help: `data folder (default ${demoDir})` },
  },
  examples: [
    ["rt-data demo", "three simulated symbols, dashboard on port 8000"],
    ["rt-data demo --symbols BTCUSDT,ETHUSDT,XRPUSDT,DOGEUSDT --port 0", "four symbols, any free port"],
    ["rt-data demo --data ./data --speed 10", "your own recording, ten times as fast"],
  ],
  async run(flags, terminal) {
    const settings = configOf(flags);
    const log = terminalLog(settings.log, terminal);
    logWarnings(settings, log);
    const speed = numberOf(flags, "speed", 1, 0.01, 10_000);
    const seed = numberOf(flags, "seed", 1, 0, 2 ** 31);
    const dataDir = flags["data-dir"] ?? demoDir;
    const past =
      flags.data === undefined ? openPast(dataDir, settings, numberOf(flags, "past", 14, 0, 90), seed) : null;
    const today = startLater(
      createSyntheticMarket({ symbols: settings.record.symbols, seed, startOf: past?.startOf ?? (() => null) }),
      past?.streams ?? [],
    );
    // Times are shifted to today: otherwise delays would show the recording's age.
    const playing = { speed, loop: true, time: "shifted" } as const;
    const source =
      flags.data === undefined ? today.source : createReplaySource({ path: flags.data, ...playing }, { log });
    const scenario = openScenario(flags.faults ?? null, seed, log);
    // A scenario given by the user decides alone.
    const cutS = numberOf(flags, "cut-after", flags.faults === undefined ? 90 : 0, 0, 86_400);
    const faults = scenario.faults ?? createFaults({ seed });
    const exchange = createSimulatedExchange({}, { source, faults, log });
    const { wsUrl, restUrl } = await exchange.start();
    const control = createDemoControl(dataDir, { faults, nowUs: () => Date.now() * 1000 });
    try {
      scenario.start();
      const config = withDemoHost(
        configOf(flags, {
          "record.data_dir": dataDir,
          "exchange.ws_url": wsUrl,
          "exchange.rest_url": restUrl,
          // A demo must not send the recorder's heartbeat.
          "alerts.heartbeat_url": "",
          // A cut of some seconds is to be seen as an incident.
          "alerts.disconnected.hold_s": "3",
          "alerts.disconnected.clear_s": "3",
        }),
      );
      const app = createApp(config, { mode: "demo", log, demo: control, continues: () => past?.isNew === true });
      terminal.onUpgrade(() => log.error("a demo cannot be upgraded; stop it and start it again"));
      try {
        past?.writeToday();
        today.start();
      } catch (error) {
        await app.stop(0);
        throw error;
      }
      return await runApp(app, terminal, log, (url) => {
        control.start(cutS);
        past?.start({ app, host: config.host, onShare: control.setPast, log });
        return demoBanner(control.state(), {
          source: flags.data === undefined ? "an invented market, recorded like the real one" : `playing ${flags.data}`,
          dashboard: `${url}/${pagePath("overview")}`,
          cutS,
        });
      });
    } finally {
      today.stop();
      control.stop();
      await past?.stop();
      scenario.stop();
      await exchange.stop();
    }
  },
};

/** How long the market waits for its subscribers, ms, and how often it looks. */
const mostWaitMs = 20_000;
const lookMs = 10;

/**
 * Delays a market's start: the exchange may start it, but it is idle until `start`, so that the past can be written first, and until
 * somebody has subscribed to `streams`: the recording begins with the market's first record, so no id is missing between past and now.
 */
function startLater(market: MarketSource, streams: readonly string[]) {
  let begin = () => {};
  let isSubscribed = () => false;
  let timer: ReturnType<typeof setInterval> | undefined;
  const source: MarketSource = {
    ...market,
    start(emit, audience) {
      begin = () => void market.start(emit, audience);
      isSubscribed = () => audience === undefined || streams.every((stream) => audience.wants(stream));
    },
  };
  return {
    source,
    start(): void {
      const latestMs = performance.now() + mostWaitMs;
      timer = setInterval(() => {
        if (!isSubscribed() && performance.now() < latestMs) return;
        clearInterval(timer);
        begin();
      }, lookMs);
    },
    stop: () => clearInterval(timer),
  };
}

/** Adds "(demo)" to the host name, so that notifications of a demo are recognisable. */
function withDemoHost(config: Config): Config {
  return { ...config, host: `${config.host} (demo)` };
}

function numberOf(flags: Flags, name: string, fallback: number, min: number, max: number): number {
  const text = flags[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() !== "" && value >= min && value <= max) return value;
  throw new OperatorError(`--${name} "${text}" is not accepted; give a number from ${min} to ${max}`);
}
