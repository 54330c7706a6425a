import type { AlertSettings } from "../../config/alert-keys.ts";
import type { VolumeStatus } from "../../domain/disk-status.ts";
import type { FindRule, RuleFinding, RuleTable } from "./rule.ts";

type DiskFinding = RuleFinding<"disk_low" | "disk_forecast">;

/** Part of a limit below which what was above it counts as over. */
const relief = 0.9;

/** Free space has to be so many times more than the limit before it counts as enough again; the same for time. */
const recovery = 1.2;

/** This machine's clock goes wrong: delays, and the times in the data, are as wrong as it is. */
const clockOffset: FindRule<"clock_offset"> = ({ seen: { status }, settings, isRaised }) => {
  const { clock_offset_ms: offset, clock_offset_bound_ms: bound } = status;
  if (offset === null) return "unknown";
  const atLeast = Math.abs(offset) - (bound ?? 0);
  if (atLeast <= settings.warning_ms * (isRaised ? relief : 1)) return null;
  return {
    severity: atLeast > settings.critical_ms ? "critical" : "warning",
    subjects: [],
    value: Math.abs(offset),
    limit: settings.warning_ms,
    detail: `this machine's clock is ${offset > 0 ? "ahead of" : "behind"} the exchange's`,
  };
};

/** Records cannot be written. */
const writeError: FindRule<"write_error"> = ({ seen }) =>
  seen.writeFailure === null
    ? null
    : {
        severity: "critical",
        subjects: [],
        value: null,
        limit: null,
        detail: inWords(seen.writeFailure, seen.status),
      };

/** ENOSPC says "no space left" also when there is room and only the inodes are used up. */
function inWords(failure: string, { disks }: { readonly disks: readonly VolumeStatus[] }): string {
  const isOutOfInodes = disks.some(({ scarce, level }) => scarce === "inodes" && level !== "ok");
  return isOutOfInodes && failure.includes("ENOSPC")
    ? `no inodes are left (too many files): remove small files at once (${failure})`
    : failure;
}

/** Little is left of the disk. */
const diskLow: FindRule<"disk_low"> = ({ seen: { status }, settings, isRaised }) => {
  const { disks } = status;
  if (disks.every(({ total_bytes, problem }) => total_bytes === 0 && problem === null)) return "unknown";
  const found = disks.flatMap((disk) => {
    const finding = lowOf(disk, settings, isRaised);
    return finding === null ? [] : [{ ...finding, subjects: disks.length === 1 ? [] : [disk.name] }];
  });
  return worstOf(found);
};

/** The disk will be full before long. */
const diskForecast: FindRule<"disk_forecast"> = ({ seen: { status }, settings, isRaised }) => {
  const { disks } = status;
  if (disks.every(({ fill_bytes_per_s }) => fill_bytes_per_s === null)) return "unknown";
  const limit = settings.warning_hours * 3600;
  const found = disks.flatMap(({ full_in_s, name, scarce }): DiskFinding[] => {
    if (full_in_s === null || full_in_s >= limit * (isRaised ? recovery : 1)) return [];
    return [
      {
        severity: full_in_s < settings.critical_hours * 3600 ? "critical" : "warning",
        subjects: disks.length === 1 ? [] : [name],
        value: full_in_s,
        limit,
        detail: scarce === "inodes" ? "it will be out of inodes (too many files)" : null,
      },
    ];
  });
  return worstOf(found);
};

/** What is wrong with one disk, or null; its subjects are the caller's. */
function lowOf(disk: VolumeStatus, settings: AlertSettings["disk_low"], isRaised: boolean): DiskFinding | null {
  const { level, scarce, free_bytes: free, total_bytes: total, free_inodes: inodes } = disk;
  if (disk.problem !== null)
    return { severity: "critical", subjects: [], value: null, limit: null, detail: disk.problem };
  if (total === 0) return null;
  const limit = Math.max((total * settings.warning_percent) / 100, disk.low_bytes);
  const isVeryLow = level === "very_low" || level === "full";
  if (scarce === "inodes" && level !== "ok") {
    const detail = `${inodes} of ${disk.total_inodes} inodes are left (too many files), however much room there is`;
    return { severity: isVeryLow ? "critical" : "warning", subjects: [], value: null, limit: null, detail };
  }
  if (level === "ok" && free >= limit * (isRaised ? recovery : 1)) return null;
  return {
    severity: isVeryLow || free < (total * settings.critical_percent) / 100 ? "critical" : "warning",
    subjects: [],
    value: free,
    limit: Math.round(limit),
    detail: level === "ok" ? null : "days are not merged until there is more room",
  };
}

/** The gravest, with the subjects of all; null if there is none. */
function worstOf(found: readonly DiskFinding[]): DiskFinding | null {
  const [first] = found.toSorted((a, b) => Number(b.severity === "critical") - Number(a.severity === "critical"));
  return first === undefined ? null : { ...first, subjects: found.flatMap(({ subjects }) => subjects) };
}

/** This process takes more memory than it should, or the machine has hardly any left. */
const memory: FindRule<"memory"> = ({ seen: { status }, settings, isRaised }) => {
  const { process_memory_bytes: own, memory_used_bytes: used, memory_total_bytes: total } = status.hardware;
  if (own === 0 || total === 0) return "unknown";
  const ownLimit = settings.process_mb * 1e6;
  const usedLimit = (total * settings.machine_percent) / 100;
  const part = isRaised ? relief : 1;
  // Of a machine with much memory a tenth would be far too much to wait for.
  const usedRelief = isRaised ? Math.min(usedLimit * (1 - relief), total * 0.02) : 0;
  if (own > ownLimit * part)
    return { severity: "warning", subjects: [], value: own, limit: ownLimit, detail: "rt-data itself" };
  if (used <= usedLimit - usedRelief) return null;
  return {
    severity: "warning",
    subjects: [],
    value: used,
    limit: Math.round(usedLimit),
    detail: "the whole machine",
  };
};

/** The machine does nothing but work, for minutes. */
const cpu: FindRule<"cpu"> = ({ seen: { status }, settings, isRaised }) => {
  const { cpu_ratio: value, process_cpu_cores: own, cores } = status.hardware;
  const limit = settings.warning_percent / 100;
  if (value < limit * (isRaised ? relief : 1)) return null;
  const detail = `rt-data itself takes ${Math.round((own / Math.max(1, cores)) * 100)} % of the machine`;
  return { severity: "warning", subjects: [], value, limit, detail };
};

/** The rules of this file by name. */
export const machineRules = {
  clock_offset: clockOffset,
  write_error: writeError,
  disk_low: diskLow,
  disk_forecast: diskForecast,
  memory,
  cpu,
} satisfies Partial<RuleTable>;
