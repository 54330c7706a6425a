import { listenHost } from "../../config/config.ts";
import { pagePath } from "../../domain/pages.ts";
import { messageOf } from "../../platform/errors.ts";
import { isLoopback } from "../../platform/fetch/addresses.ts";
import { routeTo } from "../../platform/fetch/proxy-route.ts";
import type { Command, Terminal } from "../framework/command.ts";
import { configOf, settingFlags } from "../framework/config-flags.ts";
import { logWarnings, terminalLog } from "../framework/terminal-log.ts";
import { presetNames, withPreset } from "./preset.ts";
import { runRecorder } from "./run-recorder.ts";

/** `rt-data record` */
export const record: Command = {
  name: "record",
  summary: "record live data, serve the dashboard, merge days into archives",
  flags: {
    ...settingFlags,
    preset: {
      value: presetNames.join("|"),
      help: "streams for a purpose instead of --streams; research: depth@100ms, trade, bookTicker, depth20@100ms, aggTrade",
    },
    "take-over": { value: null, help: "", isHidden: true },
  },
  examples: [
    ["rt-data record", "default symbols into ./data, dashboard on port 8000"],
    ["rt-data record --symbols BTCUSDT,BNBUSDT --data-dir /srv/rt-data", "two symbols, another folder"],
    ["rt-data record --symbols BTCUSDT --preset research", "all that backtesters read"],
    ["rt-data record --config /etc/rt-data/rt-data.toml", "all settings from a file"],
  ],
  async run(flags, terminal) {
    const config = reportFailure(terminal, () => configOf(withPreset(flags)));
    const log = terminalLog(config.log, terminal);
    logWarnings(config, log);
    if (config.http.host === "auto" && isLoopback(listenHost(config.http))) log.warn(loopbackOnly);
    const route = routeTo(config.exchange.ws_url);
    if (route.kind === "proxy") log.info(`connections to the exchange go through ${route.name}`);
    return runRecorder(config, terminal, {
      log,
      isSuccessor: flags["take-over"] !== undefined,
      readAgain: () => configOf(withPreset(flags)),
      onRunning: (url) => terminal.print(`Dashboard: ${url}/${pagePath("overview")}`),
    });
  },
};

const loopbackOnly =
  'http.host is "auto" and there is no password, so the page listens on 127.0.0.1 alone. From outside a container it cannot be reached. `rt-data password` prints a hash; give it in a file by RT_DATA_HTTP_PASSWORD_HASH_FILE, publish port 8000, and start again. Recording does not need it';

/** Reports an invalid config to the parent of an upgrade, which then goes on recording. */
function reportFailure<T>({ predecessor }: Terminal, read: () => T): T {
  try {
    return read();
  } catch (error) {
    predecessor?.send({ type: "failed", reason: messageOf(error) });
    throw error;
  }
}
