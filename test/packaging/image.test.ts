import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { type Architecture, imageOf } from "../../ops/release/image.ts";
import type { TarEntry } from "../../ops/release/tar.ts";
import { dataFiles } from "../support/data/read-data.ts";
import { builtExecutable } from "../support/executable.ts";
import { temporaryFolder } from "../support/folder.ts";
import {
  containerWords,
  execIn,
  firstPid,
  librariesOf,
  runtimeMissing,
  tool,
  type Unpacked,
  unpackImage,
} from "../support/machine/image-container.ts";
import { start } from "../support/program.ts";
import { isRunning, startUpgradable } from "../support/upgrades.ts";
import { until } from "../support/wait.ts";

const source = { version: "1.2.0+3.gabcdef0", commit: "abcdef0", committedAt: 1_763_800_000 };
const base: readonly TarEntry[] = [{ path: "lib/libc.so.6", mode: 0o644, content: "libc" }];
const small = (architecture: Architecture) => imageOf(Buffer.from("program"), base, { architecture, source });

test("the same input gives the same image, byte for byte; a file of another machine gives another", () => {
  expect(Buffer.compare(small("amd64"), small("amd64"))).toBe(0);
  expect(Buffer.compare(small("amd64"), small("arm64"))).not.toBe(0);
});

test("the image says what it is: user without rights, volume, health, signal, and the version as a tag that Docker accepts", async () => {
  const files = await new Bun.Archive(small("arm64")).files();
  const json = async (path: string) => JSON.parse((await files.get(path)?.text()) ?? "null");
  const blob = (digest: string) => json(`blobs/${digest.replace(":", "/")}`);
  const [forDocker] = await json("manifest.json");
  const index = await json("index.json");
  const manifest = await blob(index.manifests[0].digest);
  const { config, architecture, rootfs } = await blob(manifest.config.digest);
  expect(index.manifests).toHaveLength(1);
  expect(index.manifests[0].platform).toEqual({ architecture: "arm64", os: "linux" });
  expect(forDocker.RepoTags).toEqual(["rt-data:1.2.0-3.gabcdef0"]);
  expect(forDocker.Layers).toHaveLength(2);
  expect([architecture, rootfs.diff_ids.length]).toEqual(["arm64", 2]);
  expect(config).toMatchObject({
    User: "65532:65532",
    Entrypoint: ["/usr/bin/rt-data"],
    Cmd: ["record"],
    Volumes: { "/data": {} },
    StopSignal: "SIGTERM",
    Healthcheck: { Test: ["CMD", "/usr/bin/rt-data", "health"] },
    Labels: { "org.opencontainers.image.version": source.version },
  });
});

const names = ["first", "twin", "again"].map((name) => `${name}-${process.pid}`);
let unpacked: Unpacked | null = null;

beforeAll(async () => {
  if (runtimeMissing !== "") return;
  const built = await builtExecutable();
  const image = join(temporaryFolder(), "image.tar");
  const libraries = librariesOf(built);
  writeFileSync(image, imageOf(readFileSync(built), libraries, { architecture: "amd64", source }));
  expect(tool("skopeo", "inspect", `docker-archive:${image}`)).toContain('"linux"');
  unpacked = unpackImage(image);
}, 120_000);

afterAll(() => {
  if (unpacked !== null) for (const name of names) execKill(unpacked, name);
});

function execKill({ states }: Unpacked, name: string): void {
  Bun.spawnSync(["runc", "--root", states, "delete", "--force", name], { stderr: "ignore" });
}

test.skipIf(runtimeMissing !== "")(
  `a container without rights and with a read-only root records under any user id, is healthy, keeps a twin out, goes on at once after a kill under another host name, and loses nothing at a stop${runtimeMissing}`,
  async () => {
    if (unpacked === null) return;
    const image = unpacked;
    const [first = "", twin = "", again = ""] = names;
    const volume = join(temporaryFolder(), "volume");
    const words = (name: string, host: string) => containerWords(image, { name, host, uid: 12_345, volume });
    const market = { symbols: 2, types: ["depth20@100ms", "aggTrade"], speed: 1 };
    // The containers share this machine's network, and `health` asks at the port that is set.
    const free = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const env = { RT_DATA_RECORD_DATA_DIR: "/data", RT_DATA_HTTP_PORT: String(free.port) };
    await free.stop(true);
    // Each question holds up the exchange of this process, so it is asked twice a second.
    const run = await startUpgradable({ dataDir: volume, program: words(first, "box"), ...market, env });
    expect(run.recorder.errors()).toContain("the page listens on 127.0.0.1 alone");
    await until(
      () => execIn(image, first, "/usr/bin/rt-data", "health").code === 0,
      "the container to be healthy",
      60_000,
      500,
    );
    const pid = firstPid(image, first);

    const own = environmentOf(pid);
    const second = start(words(twin, "box"), { env: own });
    expect(await second.ended).toBe(2);
    expect(second.errors()).toContain("another recorder (process 1 on box) is recording into /data");
    expect(isRunning(pid)).toBe(true);

    // What a kill takes before the first records are on disk belongs to no gap.
    const written = () => dataFiles(volume).filter((file) => statSync(join(volume, file)).size > 0);
    await until(() => written().length >= run.streams, "records of every stream on disk", 60_000);
    process.kill(pid, "SIGKILL");
    await run.recorder.ended;
    const third = start(words(again, "another-name"), { env: own });
    await third.url();
    await until(
      () => execIn(image, again, "/usr/bin/rt-data", "health").code === 0,
      "the next container to be healthy",
      60_000,
      500,
    );
    const { doubled, foreign, unexplained, unordered } = await run.finish(firstPid(image, again));
    expect({ doubled, foreign, unexplained, unordered }).toEqual({
      doubled: 0,
      foreign: 0,
      unexplained: 0,
      unordered: [],
    });
    expect([await third.ended, third.errors()]).toEqual([0, expect.stringContaining("stopped")]);
    expect([...new Glob("live/**/*.jsonl").scanSync(volume)]).toEqual([]);
    expect(statSync(join(volume, "rt-data.sqlite")).uid).toBe(12_345);
  },
  120_000,
);

/** The settings that a process was given. */
function environmentOf(pid: number): Record<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .filter((entry) => entry.startsWith("RT_DATA_"));
  return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
}
