import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TarEntry } from "../../../ops/release/tar.ts";
import { temporaryFolder } from "../folder.ts";

const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

/** Runs a tool to its end. @throws with its output unless it succeeds */
export function tool(...[word = "", ...words]: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(word, words, { env });
  if (status !== 0) throw new Error(`${word} ${words.join(" ")}: ${error ?? ""}${stderr}${stdout}`);
  return stdout.toString();
}

/** An image unpacked for a runtime: a root file system and the config that umoci makes of the image's own. */
export type Unpacked = { readonly rootfs: string; readonly config: RuntimeConfig; readonly states: string };

type RuntimeConfig = {
  readonly process: { readonly args: readonly string[]; readonly env: readonly string[]; readonly cwd: string };
  readonly mounts: readonly object[];
  readonly linux: { readonly namespaces: readonly { readonly type: string }[] };
};

/** Copies the image by skopeo, which checks every digest, and unpacks it by umoci. */
export function unpackImage(image: string): Unpacked {
  const folder = temporaryFolder();
  tool("skopeo", "copy", "--quiet", `oci-archive:${image}`, `oci:${folder}/oci:image`);
  tool("umoci", "unpack", "--image", `${folder}/oci:image`, `${folder}/bundle`);
  const config = JSON.parse(readFileSync(`${folder}/bundle/config.json`, "utf8")) as RuntimeConfig;
  return { rootfs: `${folder}/bundle/rootfs`, config, states: `${folder}/states` };
}

/** A container: user and group id, and the folder of this machine that is its volume. */
export type Container = { readonly name: string; readonly host: string; readonly uid: number; readonly volume: string };

/**
 * Words that run a container of the image as `docker run --read-only --cap-drop ALL --user UID --hostname HOST --network host -v
 * VOLUME:/data` does, by runc. The words behind them are the container's; RT_DATA_ variables reach it as by `--env`.
 */
export function containerWords(image: Unpacked, container: Container): readonly string[] {
  return [process.execPath, join(import.meta.dir, "run-container.ts"), JSON.stringify({ image, container })];
}

/** The pid on this machine of a container's process 1. */
export function firstPid({ states }: Unpacked, name: string): number {
  return (JSON.parse(tool("runc", "--root", states, "state", name)) as { pid: number }).pid;
}

/** Runs a program in a running container, as `docker exec` does. */
export function execIn({ states }: Unpacked, name: string, ...words: string[]) {
  const { status, stdout, stderr } = spawnSync("runc", ["--root", states, "exec", name, ...words], { env });
  return { code: status, output: stdout.toString(), errors: stderr.toString() };
}

/** The files that an executable is linked with on this machine, where it looks for them. */
export function librariesOf(executable: string): readonly TarEntry[] {
  const paths = [...tool("ldd", executable).matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  return paths.map((path) => ({ path: path.slice(1), mode: 0o755, content: readFileSync(path) }));
}

/** What a test that runs containers adds to its title where it cannot be run, otherwise "". */
export const runtimeMissing = (() => {
  const missing = ["runc", "umoci", "skopeo", "ldd"].filter((name) => Bun.which(name, env) === null);
  if (missing.length > 0) return ` (skipped: ${missing.join(", ")} not installed)`;
  const bundle = temporaryFolder();
  mkdirSync(join(bundle, "rootfs"));
  tool("runc", "spec", "--bundle", bundle);
  const path = join(bundle, "config.json");
  writeFileSync(path, readFileSync(path, "utf8").replace('"terminal": true', '"terminal": false'));
  const probe = spawnSync("runc", ["--root", `${bundle}/states`, "run", "--bundle", bundle, "probe"], { env });
  // The runtime works if only the shell is missing in the empty root.
  return /no such file|not found/.test(probe.stderr.toString()) ? "" : ` (skipped: runc says ${probe.stderr})`;
})();
