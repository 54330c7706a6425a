import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Container, Unpacked } from "./image-container.ts";

const [description = "", ...given] = process.argv.slice(2);
process.exit(runContainer(JSON.parse(description), given));

/** Runs a container as `containerWords` says. Returns the exit code of its process 1. */
function runContainer(
  { image, container }: { image: Unpacked; container: Container },
  words: readonly string[],
): number {
  const { config, rootfs, states } = image;
  const { name, host: hostname, uid, volume } = container;
  // A new volume takes the mode of the image's folder.
  if (!existsSync(volume)) {
    mkdirSync(volume);
    chmodSync(volume, statSync(join(rootfs, "data")).mode & 0o7777);
  }
  const settings = Object.entries(process.env).filter(([variable]) => variable.startsWith("RT_DATA_"));
  const spec = {
    ...config,
    hostname,
    root: { path: rootfs, readonly: true },
    process: {
      ...config.process,
      terminal: false,
      user: { uid, gid: uid },
      capabilities: {},
      args: words.length === 0 ? config.process.args : [...config.process.args.slice(0, 1), ...words],
      env: [...config.process.env, ...settings.map(([variable, value]) => `${variable}=${value}`)],
    },
    mounts: [...config.mounts, { destination: "/data", type: "bind", source: volume, options: ["rbind", "rw"] }],
    linux: { ...config.linux, namespaces: config.linux.namespaces.filter(({ type }) => type !== "network") },
  };
  const bundle = `${states}-${name}`;
  mkdirSync(bundle);
  writeFileSync(join(bundle, "config.json"), JSON.stringify(spec));
  const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
  return spawnSync("runc", ["--root", states, "run", "--bundle", bundle, name], { env, stdio: "inherit" }).status ?? 1;
}
