import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Words that run a program as a container does: as process 1 of its own processes, on a host of this name. */
export function asContainer(host: string, words: readonly string[]): string[] {
  const script = 'hostname "$0" && exec "$@"';
  return ["unshare", "--pid", "--uts", "--mount-proc", "--fork", "--kill-child", "sh", "-c", script, host, ...words];
}

/** What a test that needs containers adds to its title where this user may not make any, otherwise "". */
export const containersMissing = (() => {
  const [word = "", ...words] = asContainer("probe", ["sh", "-c", "hostname; echo $$"]);
  const works = spawnSync(word, words).stdout?.toString() === "probe\n1\n";
  return works ? "" : " (skipped: this user may not make namespaces)";
})();

/** The pid on this machine of the process that a container's init has started; it is killed as `docker kill` does it. */
export function firstProcessOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
}
