import { join } from "node:path";

/** What a program of its own did, and the most memory that it ever held, MB. */
export type Peak = { readonly megabytes: number; readonly output: string };

/**
 * Runs TypeScript in a process of its own, below this checkout; `peak()` of the result is the kernel's own figure (VmHWM). The script's
 * imports are relative to the checkout. Rejects if it fails.
 */
export async function peakOf(script: string): Promise<Peak> {
  const ending = `
const status = await Bun.file("/proc/self/status").text();
console.log("peak", /VmHWM:\\s+(\\d+)/.exec(status)?.[1]);
process.exit(0);`;
  const child = Bun.spawn([process.execPath, "-"], {
    cwd: join(import.meta.dir, "../../.."),
    env: {},
    stdin: new Blob([script + ending]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const kilobytes = /^peak (\d+)$/m.exec(output)?.[1];
  if ((await child.exited) !== 0 || kilobytes === undefined) throw new Error(`the script failed: ${output}${errors}`);
  return { megabytes: Math.round(Number(kilobytes) / 1000), output };
}
