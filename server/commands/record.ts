import { createApp } from "../app.ts";
import { messageOf } from "../problem.ts";
import { notifyService, reloading } from "../service-notify.ts";
import type { Command } from "./command.ts";
import { runApp } from "./run-app.ts";
import { configOf, settingFlags } from "./settings.ts";
import { terminalLog } from "./terminal-log.ts";

/** `rt-data record` */
export const record: Command = {
  name: "record",
  summary: "record live, serve the dashboard, merge days",
  flags: settingFlags,
  examples: [
    ["rt-data record", "the default symbols into ./data, dashboard on port 8000"],
    ["rt-data record --symbols BTCUSDT,BNBUSDT --data-dir /srv/rt-data", "two symbols, another folder"],
    ["rt-data record --config /etc/rt-data/rt-data.toml", "everything from a file"],
  ],
  async run(flags, terminal) {
    const config = configOf(flags);
    const log = terminalLog(config.log, terminal);
    const app = createApp(config, { mode: "record", log });
    terminal.onReload(() => {
      notifyService(reloading());
      try {
        const next = configOf(flags);
        log.setLevel(next.log.level);
        app.reload(next);
      } catch (error) {
        log.error("the config is not taken over; recording goes on as before", { reason: messageOf(error) });
      }
      notifyService("READY=1");
    });
    return runApp(app, terminal, log, (url) => [`Dashboard: ${url}/dashboard`]);
  },
};
