import { spawnSync } from "node:child_process";

/** What a test that lets system calls fail adds to its title where strace cannot do that, otherwise "". */
export const straceMissing = (() => {
  const { stdout, status } = spawnSync("strace", ["-qq", "-e", "inject=getuid:retval=4711", "id", "-ru"]);
  const works = status === 0 && stdout.toString().trim() === "4711";
  return works ? "" : " (skipped: strace is not installed or may not trace)";
})();

/**
 * Words that run a program while its system calls are changed: `inject` as strace's `-e inject=`, on these paths alone; `trace` is the
 * file that tells of them.
 */
export function withFaults(
  inject: readonly string[],
  paths: readonly string[],
  words: readonly string[],
  trace = "/dev/null",
): string[] {
  const faults = inject.flatMap((fault) => ["-e", `inject=${fault}`]);
  const calls = [...new Set(inject.flatMap((fault) => fault.split(":")[0]?.split(",") ?? []))];
  const on = paths.flatMap((path) => ["-P", path]);
  return ["strace", "-f", "-qq", "-o", trace, "-e", `trace=${calls.join(",")}`, ...on, ...faults, ...words];
}
