import { resolve } from "node:path";
import { readFileSync } from "../platform/files/files.ts";
import { isService, notifySocket } from "../platform/process/environment.ts";
import type { Channel } from "./protocol.ts";

/** The child process of an upgrade. */
export type UpgradeChild = {
  readonly pid: number;
  readonly path: string;
  readonly channel: Channel;
  /** Resolves with its exit code, or with the signal that ended it. */
  readonly ended: Promise<number | string>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
};

/** The flag that makes a process the child of an upgrade. */
export const takeOverFlag = "--take-over";

/**
 * Starts the child: the executable at the path of this process, with the same arguments, environment and output. In a checkout: the same Bun
 * with the same script. The child outlives this process and inherits `descriptors`.
 * @throws the system's error if it cannot be started
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
          // The child has ended; `ended` reports that.
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
 * Returns the command that starts the child. It uses the path by which this process was started, not its own file: a link may lead
 * to a new version by now, and the own file may be deleted.
 */
export function ownCommand(): readonly string[] {
  const [, script = "", ...words] = process.argv;
  const wanted = [...words.filter((word) => word !== takeOverFlag), takeOverFlag];
  if (!script.startsWith("/$bunfs/")) return [process.execPath, script, ...wanted];
  const name = process.argv0;
  const path = name.includes("/") ? resolve(name) : Bun.which(name);
  return [path ?? process.execPath, ...wanted];
}

/** Memory that must stay free beside a second process of the same size, bytes. */
const spareBytes = 32 * 1024 * 1024;

/** Returns why the memory is too small for a second process, or null. */
export function noRoom(meminfo: string = readMeminfo(), ownBytes: number = process.memoryUsage().rss): string | null {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  if (kilobytes === undefined) return null;
  const [free, needed] = [Number(kilobytes) * 1024, ownBytes + spareBytes].map((bytes) => Math.round(bytes / 1e6));
  if (free === undefined || needed === undefined || free >= needed) return null;
  return `both processes run at once for a while, which needs ${needed} MB more memory; only ${free} MB are available`;
}

/** Returns why a child would end together with this process, or null. */
export function endsWithUs(
  process_: { readonly pid: number; readonly isService: boolean; readonly canNotify: boolean } = {
    pid: process.pid,
    isService: isService(),
    canNotify: notifySocket() !== null,
  },
): string | null {
  if (process_.pid === 1)
    return "this is the container's first process, and the container ends with it; start a container of the new version instead";
  return process_.isService && !process_.canNotify
    ? "systemd would end the service with this process; its unit needs Type=notify and NotifyAccess=all (see rt-data ops systemd)"
    : null;
}

function readMeminfo(): string {
  try {
    return readFileSync("/proc/meminfo", "utf8");
  } catch {
    return "";
  }
}
