import { retentionOf } from "../app/data/archive-lifecycle.ts";
import { dateOf } from "../domain/day.ts";
import { OperatorError } from "../platform/errors.ts";
import type { ConfirmedTime } from "../platform/time/confirmed-time.ts";
import { takeDataFolder } from "../storage/lock/data-folder.ts";
import type { Command } from "./framework/command.ts";
import { configOf, settingFlags } from "./framework/config-flags.ts";
import { terminalLog } from "./framework/terminal-log.ts";

const { config, "data-dir": dataDir, "log-level": logLevel } = settingFlags;

/** `rt-data retention` */
export const retention: Command = {
  name: "retention",
  summary: "remove archives that are over a limit of [archive], or list them",
  flags: {
    ...(config && { config }),
    ...(dataDir && { "data-dir": dataDir }),
    ...(logLevel && { "log-level": logLevel }),
    "dry-run": { value: null, help: "only list what would go, and what is kept although it is over a limit" },
    json: { value: null, help: "the list as JSON" },
  },
  notes: [
    "archive.retention_days counts back from the newest archived day here, since nothing vouches for this machine's clock.",
    "A running recorder asks the exchange for its time. It removes nothing by age before that has confirmed its clock, and the",
    "archives of seven dates an hour at most.",
  ],
  examples: [
    ["rt-data retention --dry-run", "what the recorder would remove now"],
    ["RT_DATA_ARCHIVE_RETENTION_DAYS=30 rt-data retention --dry-run", "what another limit would mean"],
    ["rt-data retention --data-dir /srv/rt-data", "remove it, where no recorder is running that does it by itself"],
  ],
  async run(flags, terminal) {
    const settings = configOf(flags);
    const { retention_days, retention_gb, min_free_gb } = settings.archive;
    if (retention_days + retention_gb + min_free_gb === 0) {
      throw new OperatorError(
        "nothing is ever removed: archive.retention_days, archive.retention_gb and archive.min_free_gb are all 0",
      );
    }
    const isDry = flags["dry-run"] !== undefined;
    const folder = settings.record.data_dir;
    const taken = isDry ? null : takeDataFolder(folder, "record");
    try {
      const log = terminalLog(settings.log, terminal);
      const how = { unconfirmed: { latest: dateOf(Date.now() * 1000) }, isCapped: false };
      const { removed, kept } = await retentionOf(settings, { dataDir: folder, time, log }, how).run(isDry);
      if (flags.json !== undefined) {
        terminal.print(
          JSON.stringify({
            dry_run: isDry,
            removed: removed.map(({ day, ...of }) => ({ ...day, ...of })),
            kept: kept.map(({ day, why }) => ({ ...day, why })),
          }),
        );
        return 0;
      }
      const verb = isDry ? "would go" : "removed";
      for (const { day, bytes, reason } of removed)
        terminal.print(`${verb}  ${day.date} ${day.stream} ${day.symbol}  ${megabytes(bytes)}  ${reason}`);
      for (const { day, why } of kept) terminal.print(`kept  ${day.date} ${day.stream} ${day.symbol}  ${why}`);
      const bytes = removed.reduce((sum, one) => sum + one.bytes, 0);
      terminal.print(
        `${removed.length} archives ${verb}, ${megabytes(bytes)}; ${kept.length} kept although over a limit`,
      );
      return 0;
    } finally {
      taken?.release();
    }
  },
};

/** No recorder runs that asks the exchange: ages count from the newest archived day, whatever this machine's clock says. */
const time = (): ConfirmedTime => ({ kind: "unconfirmed", why: "the exchange was not asked for its time" });

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
