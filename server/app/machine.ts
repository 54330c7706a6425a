import type { Archiver } from "../archive/archiver.ts";
import { createDiskWatch, type DiskWatch } from "../monitor/disk.ts";
import { createHardwareMeter, type HardwareMeter } from "../monitor/hardware.ts";
import { type ClockWatch, type ClockWatchDeps, createClockWatch } from "./clock-watch.ts";

/** What is watched of the machine: its load, its disk, its clock. */
export type MachineWatch = {
  readonly hardware: HardwareMeter;
  readonly disk: DiskWatch;
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
export function createMachineWatch(dataDir: string, deps: Deps): MachineWatch {
  const clock = createClockWatch(deps);
  const hardware = createHardwareMeter(dataDir);
  const disk = createDiskWatch({ log: deps.log });

  return {
    hardware,
    disk,
    clock,
    async look() {
      clock.look();
      await hardware.sample();
      disk.note(performance.now(), hardware.current(), deps.failure());
      deps.setRoom(disk.room());
    },
  };
}
