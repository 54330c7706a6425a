import type { Archiver } from "../archive/archiver.ts";
import { type ClockSources, createStepWatch } from "../clock.ts";
import type { Log } from "../log.ts";
import { createDiskWatch, type DiskWatch } from "../monitor/disk.ts";
import { createHardwareMeter, type HardwareMeter } from "../monitor/hardware.ts";

/** What is watched of the machine: its load, its disk, its clock. */
export type MachineWatch = {
  readonly hardware: HardwareMeter;
  readonly disk: DiskWatch;
  /** How often the system's clock was set since the start. */
  clockSteps(): number;
  /** Call it once a second; resolves when the disk was looked at. Never rejects. */
  look(): Promise<void>;
};

type Deps = {
  clock?: ClockSources | undefined;
  /** Why records cannot be written at this moment, or null. */
  failure: () => string | null;
  setRoom: Archiver["setRoom"];
  onClockStep: () => void;
  log: Log;
};

/** Watches the machine on which the data folder lies. */
export function createMachineWatch(dataDir: string, deps: Deps): MachineWatch {
  const stepWatch = createStepWatch(deps.clock);
  const hardware = createHardwareMeter(dataDir);
  const disk = createDiskWatch({ log: deps.log });
  let clockSteps = 0;

  function lookAtClock(): void {
    const stepMs = stepWatch.look();
    if (stepMs === 0) return;
    clockSteps++;
    const what = "the system's clock was set; recv_us goes on without running back, the offset is measured anew";
    deps.log.warn(what, { step_ms: stepMs });
    deps.onClockStep();
  }

  return {
    hardware,
    disk,
    clockSteps: () => clockSteps,
    async look() {
      lookAtClock();
      await hardware.sample();
      disk.note(performance.now(), hardware.current(), deps.failure());
      deps.setRoom(disk.room());
    },
  };
}
