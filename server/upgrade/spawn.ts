import { resolve } from "node:path";
import { readFileSync } from "../platform/files/files.ts";
import { isService, notifySocket } from "../platform/process/environment.ts";
import type { Channel } from "./protocol.ts";

/** A process of this program that was started to take over from this one. */
export type UpgradeChild = {
  readonly pid: number;
  readonly path: string;
  readonly channel: Channel;
  /** Its exit code or the signal that ended it, once it has ended. */
  readonly ended: Promise<number | string>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
};

/** Flag by which a process knows what it was started for. */
export const takeOverFlag = "--take-over";

/**
 * Starts the executable that now lies where this one was started from, with the same arguments, environment and output. From a
 * checkout: the same Bun with the same script. It outlives us, and shares the open files `descriptors` with us. Throws the system's error
 * if it cannot be started.
 */
export function spawnChild(
  command: readonly string[] = ownCommand(),
  descriptors: readonly number[] = [],
): UpgradeChild {
  let onMessage: ((message: unknown) => void) | null = null;
  let onClose: (() => void) | null = null;
  const waiting: unknown[] = [];
  const child = Bun.spawn([...command], {
    stdio: ["ignore", "inherit", "inherit", ...descriptors],
    serialization: "json",
    ipc(message) {
      if (onMessage === null) waiting.push(message);
      else onMessage(message);
    },
    onDisconnect: () => onClose?.(),
  });
  return {
    pid: child.pid,
    path: command[0] ?? "",
    channel: {
      send(message) {
        try {
          child.send(message);
        } catch {
          // It is gone, which `ended` tells.
        }
      },
      onMessage(listener) {
        onMessage = listener;
        for (const message of waiting.splice(0)) listener(message);
      },
      onClose(listener) {
        onClose = listener;
      },
    },
    ended: child.exited.then((code) => child.signalCode ?? code),
    kill: (signal) => child.kill(signal),
  };
}

/**
 * What to start. The executable's path is the one that we were started by and not the file that we are: a link may lead to another
 * version by now, and our own file may be gone.
 */
export function ownCommand(): readonly string[] {
  const [, script = "", ...words] = process.argv;
  const wanted = [...words.filter((word) => word !== takeOverFlag), takeOverFlag];
  if (!script.startsWith("/$bunfs/")) return [process.execPath, script, ...wanted];
  const name = process.argv0;
  const path = name.includes("/") ? resolve(name) : Bun.which(name);
  return [path ?? process.execPath, ...wanted];
}

/** Besides a second process of our size, bytes. */
const spareBytes = 32 * 1024 * 1024;

/** Why there is no room for a second process beside this one, or null. */
export function noRoom(meminfo: string = readMeminfo(), ownBytes: number = process.memoryUsage().rss): string | null {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  if (kilobytes === undefined) return null;
  const [free, needed] = [Number(kilobytes) * 1024, ownBytes + spareBytes].map((bytes) => Math.round(bytes / 1e6));
  if (free === undefined || needed === undefined || free >= needed) return null;
  return `for a while both processes run, which needs ${needed} MB more memory; ${free} MB are available`;
}

/** Why what is started here would end with this process, or null. */
export function endsWithUs(
  process_: { readonly pid: number; readonly isService: boolean; readonly canNotify: boolean } = {
    pid: process.pid,
    isService: isService(),
    canNotify: notifySocket() !== null,
  },
): string | null {
  if (process_.pid === 1)
    return "this is the first process of its container, which ends with it; start a container of the new version instead";
  return process_.isService && !process_.canNotify
    ? "the service ends with this process, since systemd is not told of another one; its unit needs Type=notify and NotifyAccess=all (see rt-data ops systemd)"
    : null;
}

function readMeminfo(): string {
  try {
    return readFileSync("/proc/meminfo", "utf8");
  } catch {
    return "";
  }
}
