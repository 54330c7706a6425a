import { resolve } from "node:path";
import { retentionOf } from "../app/data/archive-lifecycle.ts";
import { dateOf } from "../domain/day.ts";
import { OperatorError } from "../platform/errors.ts";
import type { ConfirmedTime } from "../platform/time/confirmed-time.ts";
import { takeDataFolder } from "../storage/lock/data-folder.ts";
import { requireFolder } from "./data/selection.ts";
import type { Command } from "./framework/command.ts";
import { configOf, settingFlags } from "./framework/config-flags.ts";
import { terminalLog } from "./framework/terminal-log.ts";

const { config, "data-dir": dataDir, "log-level": logLevel } = settingFlags;

/** `rt-data retention` */
export const retention: Command = {
  name: "retention",
  summary: "remove archives that exceed a limit of [archive], or list them",
  flags: {
    ...(config && { config }),
    ...(dataDir && { "data-dir": dataDir }),
    ...(logLevel && { "log-level": logLevel }),
    "dry-run": { value: null, help: "only list the archives that would be removed, and those kept despite a limit" },
    json: { value: null, help: "the list as JSON; [] if no limit is set" },
  },
  notes: [
    "archive.retention_days counts back from the newest archived day, as this command does not know whether the clock is right.",
    "A running recorder compares its clock with the exchange's time. It removes by age only while both agree, and the archives of at",
    "most seven dates per hour.",
  ],
  examples: [
    ["rt-data retention --dry-run", "list what the recorder would remove now"],
    ["RT_DATA_ARCHIVE_RETENTION_DAYS=30 rt-data retention --dry-run", "try another limit"],
    ["rt-data retention --data-dir /srv/rt-data", "remove archives of a folder without a running recorder"],
  ],
  async run(flags, terminal) {
    const settings = configOf(flags);
    const { retention_days, retention_gb, min_free_gb } = settings.archive;
    const isDryRun = flags["dry-run"] !== undefined;
    const folder = resolve(settings.record.data_dir);
    const isLimited = retention_days + retention_gb + min_free_gb > 0;
    // Without a limit, only a folder that was named has to be there.
    if (isLimited || flags["data-dir"] !== undefined) requireFolder(folder);
    if (!isLimited) {
      const problem =
        "no limit is set: archive.retention_days, archive.retention_gb and archive.min_free_gb are all 0; set one of them";
      if (!isDryRun) throw new OperatorError(problem);
      // Without a limit, the list of archives that would be removed is empty.
      if (flags.json !== undefined) terminal.print("[]");
      else terminal.print(`0 archives would be removed: ${problem}`);
      return 0;
    }
    const lock = isDryRun ? null : takeDataFolder(folder, "record");
    try {
      const log = terminalLog(settings.log, terminal);
      const mode = { unconfirmed: { latest: dateOf(Date.now() * 1000) }, isCapped: false };
      const { removed, kept } = await retentionOf(settings, { dataDir: folder, time, log }, mode).run(isDryRun);
      if (flags.json !== undefined) {
        terminal.print(
          JSON.stringify({
            dry_run: isDryRun,
            removed: removed.map(({ day, ...rest }) => ({ ...day, ...rest })),
            kept: kept.map(({ day, why }) => ({ ...day, why })),
          }),
        );
        return 0;
      }
      const verb = isDryRun ? "would be removed" : "removed";
      for (const { day, bytes, reason } of removed)
        terminal.print(`${verb}  ${day.date} ${day.stream} ${day.symbol}  ${megabytes(bytes)}  ${reason}`);
      for (const { day, why } of kept) terminal.print(`kept  ${day.date} ${day.stream} ${day.symbol}  ${why}`);
      const bytes = removed.reduce((sum, archive) => sum + archive.bytes, 0);
      terminal.print(`${removed.length} archives ${verb}, ${megabytes(bytes)}; ${kept.length} kept despite a limit`);
      return 0;
    } finally {
      lock?.release();
    }
  },
};

/** Always unconfirmed, as no recorder asks the exchange. Ages count from the newest archived day, not from this machine's clock. */
const time = (): ConfirmedTime => ({ kind: "unconfirmed", why: "the exchange was not asked for its time" });

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
