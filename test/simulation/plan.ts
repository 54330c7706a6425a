/** One thing that goes wrong, at a time counted from the start of the run, s. */
export type Fault = { readonly atS: number } & FaultKind;

/** `ms`, `s`: how much, how long. `n`: which socket; null for all. `steps`: steps on files or catalogue until it strikes. */
export type FaultKind =
  | { readonly kind: "cut"; readonly n: number | null }
  | { readonly kind: "silence"; readonly n: number | null; readonly s: number }
  | { readonly kind: "refuse"; readonly s: number }
  | { readonly kind: "shutdown"; readonly leadS: number }
  | { readonly kind: "slow_network"; readonly ms: number; readonly s: number }
  | { readonly kind: "rest"; readonly what: "silent" | "503" | "429" | "418" | "page" | "network"; readonly s: number }
  | { readonly kind: "twice" }
  | { readonly kind: "odd_frame"; readonly n: number }
  | { readonly kind: "renumber"; readonly stream: number }
  | { readonly kind: "skip_ids"; readonly stream: number; readonly by: number }
  | { readonly kind: "id_glitch"; readonly stream: number; readonly by: number }
  | { readonly kind: "kill"; readonly steps: number; readonly near: string | null; readonly downS: number }
  | { readonly kind: "power_loss"; readonly steps: number; readonly near: string | null; readonly downS: number }
  | { readonly kind: "stop"; readonly downS: number }
  | { readonly kind: "reload"; readonly symbols: readonly string[] }
  | { readonly kind: "clock_step"; readonly ms: number; readonly backAfterS: number | null }
  | { readonly kind: "suspend"; readonly s: number }
  | { readonly kind: "disk_full"; readonly s: number }
  | { readonly kind: "disk_error"; readonly code: string; readonly all: boolean; readonly s: number }
  | { readonly kind: "disk_gone"; readonly s: number }
  | { readonly kind: "disk_slow"; readonly ms: number; readonly s: number }
  | { readonly kind: "sync_fails"; readonly n: number }
  | { readonly kind: "no_inodes"; readonly s: number }
  | { readonly kind: "catalogue_locked"; readonly s: number }
  | { readonly kind: "catalogue_fails"; readonly s: number }
  | { readonly kind: "catalogue_gone" }
  | { readonly kind: "catalogue_broken" }
  | { readonly kind: "segment_gone"; readonly n: number; readonly how: "deleted" | "truncated" | "renamed" };

/** Everything that a run depends on; the same plan gives the same run. */
export type Plan = {
  readonly seed: number;
  readonly symbols: readonly string[];
  readonly types: readonly string[];
  /** True time of the start, ms. */
  readonly startMs: number;
  /** How long things go wrong, and how long the world is kind afterwards, s. */
  readonly faultyS: number;
  readonly kindS: number;
  /** Mean time between events of a stream, ms. */
  readonly paceMs: number;
  /** Days before the start of which the folder holds a record each, of a symbol of their own; they are not due yet. */
  readonly pastDays?: number;
  /** The run is looked at once more on the next day. */
  readonly isAudited?: boolean;
  /** Faults hit a running program: a fault that is due while it does not run waits until it is back. */
  readonly strikesAwake?: boolean;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly faults: readonly Fault[];
};
