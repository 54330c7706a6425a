import type { Archiver } from "../archive/archiver.ts";
import { createDisksWatch, type DisksWatch } from "../monitor/disk/disks-watch.ts";
import { measureVolumes } from "../monitor/disk/volumes.ts";
import { createHardwareMeter, type HardwareMeter } from "../monitor/hardware.ts";
import { isLoopback } from "../platform/fetch/addresses.ts";
import { type ClockWatch, type ClockWatchDeps, createClockWatch } from "./time/clock-watch.ts";

/** Watches the machine: its load, its disks, its clock. */
export type Host = {
  readonly hardware: HardwareMeter;
  readonly disk: DisksWatch;
  readonly clock: Pick<ClockWatch, "steps" | "openGaps">;
  /** Call it once a second. Resolves when the disks have been measured; never rejects. */
  measure(): Promise<void>;
};

type Deps = ClockWatchDeps & {
  /** Why records cannot be written right now, or null. */
  failure: () => string | null;
  setRoom: Archiver["setRoom"];
};

/** Creates the watch of the machine that holds the data folder. Loopback traffic counts if the exchange is on this machine. */
export function createHost({ dataDir, wsUrl }: { dataDir: string; wsUrl: string }, deps: Deps): Host {
  const clock = createClockWatch(deps);
  const hardware = createHardwareMeter(dataDir, { withLoopback: isLoopback(new URL(wsUrl).hostname) });
  const disk = createDisksWatch({ log: deps.log });
  let isMeasuring = false;

  /** Runs one measurement at a time: calls to a hanging file system must not use up the threads that all file access needs. */
  async function measure(): Promise<void> {
    if (isMeasuring) return;
    isMeasuring = true;
    try {
      disk.update(performance.now(), await measureVolumes(dataDir), deps.failure());
    } finally {
      isMeasuring = false;
    }
  }

  return {
    hardware,
    disk,
    clock,
    async measure() {
      clock.tick();
      await hardware.sample();
      await measure();
      deps.setRoom(disk.room());
    },
  };
}
