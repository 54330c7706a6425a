import type { AlertSettings } from "../../config/alert-keys.ts";
import type { Status } from "../../domain/status.ts";
import type { VolumeStatus } from "../../domain/storage-status.ts";
import type { FindRule, RuleFinding, RuleTable } from "./rule.ts";

type DiskFinding = RuleFinding<"disk_low" | "disk_forecast">;

/** Closing threshold as a share of the opening threshold. */
const relief = 0.9;

/** Closing threshold for free space and for time left, as a multiple of the opening threshold. */
const recovery = 1.2;

/** Finds a wrong clock on this machine, which makes delays and times in the data equally wrong. */
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

/** Finds out that records cannot be written. */
const writeError: FindRule<"write_error"> = ({ seen }) =>
  seen.writeFailure === null
    ? null
    : {
        severity: "critical",
        subjects: [],
        value: null,
        limit: null,
        detail: explain(seen.writeFailure, seen.status),
      };

/** Explains a write failure: ENOSPC says "no space left" even if only the inodes are used up. */
function explain(failure: string, { disks }: { readonly disks: readonly VolumeStatus[] }): string {
  const isOutOfInodes = disks.some(({ scarce, level }) => scarce === "inodes" && level !== "ok");
  return isOutOfInodes && failure.includes("ENOSPC")
    ? `no inodes are left (too many files): remove small files at once (${failure})`
    : failure;
}

/** Finds disks with little free space. In a demo, only a disk on which the demo itself can no longer do its work. */
const diskLow: FindRule<"disk_low"> = ({ seen: { status }, settings, isRaised }) => {
  const { disks } = status;
  if (disks.every(({ total_bytes, problem }) => total_bytes === 0 && problem === null)) return "unknown";
  const findings = disks.flatMap((disk) => {
    if (isDemo(status) && disk.level === "ok" && disk.problem === null) return [];
    const finding = lowOf(disk, settings, isRaised);
    return finding === null ? [] : [{ ...finding, subjects: disks.length === 1 ? [] : [disk.name] }];
  });
  return worstOf(findings);
};

/** Finds disks that will soon be full. */
const diskForecast: FindRule<"disk_forecast"> = ({ seen: { status }, settings, isRaised }) => {
  const { disks } = status;
  if (disks.every(({ fill_bytes_per_s }) => fill_bytes_per_s === null)) return "unknown";
  const limit = settings.warning_hours * 3600;
  const findings = disks.flatMap(({ full_in_s, name, scarce }): DiskFinding[] => {
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
  return worstOf(findings);
};

/** Returns the finding about one disk, or null. The caller sets the subjects. */
function lowOf(disk: VolumeStatus, settings: AlertSettings["disk_low"], isRaised: boolean): DiskFinding | null {
  const { level, scarce, free_bytes: free, total_bytes: total, free_inodes: inodes } = disk;
  if (disk.problem !== null)
    return { severity: "critical", subjects: [], value: null, limit: null, detail: disk.problem };
  if (total === 0) return null;
  const limit = Math.max((total * settings.warning_percent) / 100, disk.low_bytes);
  const isVeryLow = level === "very_low" || level === "full";
  if (scarce === "inodes" && level !== "ok") {
    const detail = `${inodes} of ${disk.total_inodes} inodes are left (too many files), regardless of free space`;
    return { severity: isVeryLow ? "critical" : "warning", subjects: [], value: null, limit: null, detail };
  }
  if (level === "ok" && free >= limit * (isRaised ? recovery : 1)) return null;
  return {
    severity: isVeryLow || free < (total * settings.critical_percent) / 100 ? "critical" : "warning",
    subjects: [],
    value: free,
    limit: Math.round(limit),
    detail: level === "ok" ? null : "days are not merged until there is more space",
  };
}

/** Returns the most severe finding with the subjects of all; null without findings. */
function worstOf(findings: readonly DiskFinding[]): DiskFinding | null {
  const [first] = findings.toSorted((a, b) => Number(b.severity === "critical") - Number(a.severity === "critical"));
  return first === undefined ? null : { ...first, subjects: findings.flatMap(({ subjects }) => subjects) };
}

/** A demo ignores the load that other programs put on the machine: such incidents would hide what the demo shows. */
function isDemo({ mode }: Pick<Status, "mode">): boolean {
  return mode === "demo";
}

/** Finds too much memory used by this process, or too little left on the machine. */
const memory: FindRule<"memory"> = ({ seen: { status }, settings, isRaised }) => {
  const { process_memory_bytes: processBytes, memory_used_bytes: used, memory_total_bytes: total } = status.hardware;
  if (processBytes === 0 || total === 0) return "unknown";
  const ownLimit = settings.process_mb * 1e6;
  const usedLimit = (total * settings.machine_percent) / 100;
  const part = isRaised ? relief : 1;
  // On a machine with much memory, a tenth of it would be too much to wait for.
  const usedRelief = isRaised ? Math.min(usedLimit * (1 - relief), total * 0.02) : 0;
  if (processBytes > ownLimit * part)
    return { severity: "warning", subjects: [], value: processBytes, limit: ownLimit, detail: "rt-data itself" };
  if (used <= usedLimit - usedRelief || isDemo(status)) return null;
  return {
    severity: "warning",
    subjects: [],
    value: used,
    limit: Math.round(usedLimit),
    detail: "the whole machine",
  };
};

/** Finds a machine whose CPU is fully busy for minutes. */
const cpu: FindRule<"cpu"> = ({ seen: { status }, settings, isRaised }) => {
  const { cpu_ratio: value, process_cpu_cores: processCores, cores } = status.hardware;
  const limit = settings.warning_percent / 100;
  if (value < limit * (isRaised ? relief : 1) || isDemo(status)) return null;
  const detail = `rt-data itself uses ${Math.round((processCores / Math.max(1, cores)) * 100)}% of the machine`;
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
