import { join } from "node:path";
import { writeDurably } from "../platform/files/durable-files.ts";
import { readFileSync } from "../platform/files/files.ts";

/** What has become of the newest upgrade of the recorder of a data folder, for who has asked for it. */
export type UpgradeReport = {
  /** The process that handed over, or was to. */
  readonly pid: number;
  readonly atMs: number;
  readonly tookMs: number;
  readonly from: string;
  readonly result:
    | { readonly kind: "handed_over"; readonly pid: number; readonly version: string; readonly withoutPageMs: number }
    /** `restarted`: it had stopped already and has started anew, which is a gap. */
    | { readonly kind: "failed"; readonly reason: string; readonly restarted: boolean };
};

const reportFile = "rt-data.upgrade.json";

/** Throws the system's error. */
export function writeUpgradeReport(dataDir: string, report: UpgradeReport): void {
  writeDurably(join(dataDir, reportFile), `${JSON.stringify(report)}\n`);
}

/** Null where there is none that can be read. */
export function readUpgradeReport(dataDir: string): UpgradeReport | null {
  try {
    return JSON.parse(readFileSync(join(dataDir, reportFile), "utf8")) as UpgradeReport;
  } catch {
    return null;
  }
}
