import type { Archiver } from "../archive/archiver.ts";
import { createDisksWatch, type DisksWatch } from "../monitor/disk/disks-watch.ts";
import { measureVolumes } from "../monitor/disk/volumes.ts";
import { createHardwareMeter, type HardwareMeter } from "../monitor/hardware.ts";
import { type ClockWatch, type ClockWatchDeps, createClockWatch } from "./time/clock-watch.ts";

/** What is watched of the machine: its load, its disk, its clock. */
export type Host = {
  readonly hardware: HardwareMeter;
  readonly disk: DisksWatch;
  readonly clock: Pick<ClockWatch, "steps" | "openGaps">;
  /** Call it once a second; resolves when the disk was looked at. Never rejects. */
  look(): Promise<void>;
};

type Deps = ClockWatchDeps & {
  /** Why records cannot be written at this moment, or null. */
  failure: () => string | null;
  setRoom: Archiver["setRoom"];
};

/** Watches the machine on which the data folder lies. */
export function createHost(dataDir: string, deps: Deps): Host {
  const clock = createClockWatch(deps);
  const hardware = createHardwareMeter(dataDir);
  const disk = createDisksWatch({ log: deps.log });
  let isMeasuring = false;

  /** One at a time: a file system that stands still must not use up the threads that every file needs. */
  async function measure(): Promise<void> {
    if (isMeasuring) return;
    isMeasuring = true;
    try {
      disk.note(performance.now(), await measureVolumes(dataDir), deps.failure());
    } finally {
      isMeasuring = false;
    }
  }

  return {
    hardware,
    disk,
    clock,
    async look() {
      clock.look();
      await hardware.sample();
      await measure();
      deps.setRoom(disk.room());
    },
  };
}
