import { join } from "node:path";
import { writeDurably } from "../platform/files/durable-files.ts";
import { readFileSync } from "../platform/files/files.ts";

/** The result of the newest upgrade in a data folder; `rt-data upgrade` reads it. */
export type UpgradeReport = {
  /** The parent process. */
  readonly pid: number;
  readonly atMs: number;
  readonly tookMs: number;
  readonly from: string;
  readonly result:
    | { readonly kind: "handed_over"; readonly pid: number; readonly version: string; readonly withoutPageMs: number }
    /** `restarted`: the parent had stopped already and has started again, with a gap. */
    | { readonly kind: "failed"; readonly reason: string; readonly restarted: boolean };
};

const reportFile = "rt-data.upgrade.json";

/** Writes the report. @throws the system's error */
export function writeUpgradeReport(dataDir: string, report: UpgradeReport): void {
  writeDurably(join(dataDir, reportFile), `${JSON.stringify(report)}\n`);
}

/** Reads the report; null if it is missing or unreadable. */
export function readUpgradeReport(dataDir: string): UpgradeReport | null {
  try {
    return JSON.parse(readFileSync(join(dataDir, reportFile), "utf8")) as UpgradeReport;
  } catch {
    return null;
  }
}
