import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "../house/graph.ts";
import { calls, unknownCalls } from "../support/docs/calls.ts";
import { until } from "../support/wait.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");
const { scripts, packageManager } = JSON.parse(read("package.json")) as {
  scripts: Record<string, string>;
  packageManager: string;
};

describe.each(["README.md", "ops/docs/README.ko.md"])("%s", (path) => {
  const text = read(path);

  test("shows pictures that are in the repository, each smaller than 200 kB", () => {
    const pictures = [...text.matchAll(/src(?:set)?="([^"]+)"/g)].map(([, source = ""]) => source);
    expect(pictures).toHaveLength(4);
    for (const source of pictures) {
      const picture = join(root, dirname(path), source);
      expect([source, existsSync(picture)]).toEqual([source, true]);
      expect(statSync(picture).size).toBeLessThan(200_000);
    }
  });

  test("calls only scripts that the package has, with the version of Bun that it names", () => {
    const commands = [...text.matchAll(/npx -y (bun@\S+) (?:run )?(\w+)/g)];
    expect(commands.map(([, , script]) => script)).toEqual(["start", "test", "build"]);
    for (const [, version, script = ""] of commands) {
      expect(version).toBe(packageManager);
      expect(scripts).toHaveProperty(script);
    }
  });

  test("calls only commands and flags that the program has", async () => {
    const indented = text.replaceAll(/^ {4}(?:dist\/)?(rt-data .*)$/gm, "```sh\n$1\n```");
    expect(calls(indented).length).toBeGreaterThanOrEqual(8);
    expect(await unknownCalls(indented)).toEqual([]);
  });
});

test("the README is read aloud in three minutes: at most 480 words, without tables and code", () => {
  const prose = read("README.md")
    .replaceAll(/```.*?```/gs, "")
    .replaceAll(/<picture>.*?<\/picture>/gs, "")
    .split("\n")
    .filter((line) => !/^ {4}|^\|/.test(line))
    .join("\n")
    .replaceAll(/\]\([^)]*\)/g, "]");
  expect(prose.match(/[\p{L}\p{N}][^\s]*/gu)?.length).toBeLessThanOrEqual(480);
});

/** Ends a script together with its own child. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGTERM");
  } catch {
    // Both have ended.
  }
}

test("the first command of the README, in a copy of the sources alone, leads to a dashboard with data", async () => {
  // Beside node_modules, because hard links do not cross file systems.
  mkdirSync(join(root, "test/.tmp"), { recursive: true });
  const copy = mkdtempSync(join(root, "test/.tmp/readme-"));
  for (const name of [
    "package.json",
    "bun.lock",
    "bunfig.toml",
    "tsconfig.json",
    "LICENSE",
    "README.md",
    "server",
    "ops",
  ])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  cpSync(join(root, "web"), join(copy, "web"), { recursive: true, filter: (path) => path !== join(root, "web/dist") });
  // Links instead of a download: `bun install` finds every package there, as a run of the tests has installed them.
  expect(await Bun.spawn(["cp", "-al", join(root, "node_modules"), copy], { stderr: "inherit" }).exited).toBe(0);
  const { PATH = "", HOME = copy } = process.env;
  const command = Bun.spawn([process.execPath, "run", "start"], {
    ...{ cwd: copy, env: { PATH, HOME, RT_DATA_HTTP_PORT: "0" }, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    detached: true,
  });
  let said = "";
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) said += Buffer.from(chunk).toString();
  };
  const reading = Promise.all([read(command.stdout), read(command.stderr)]);
  const address = () => /Dashboard: (http:\S+)\/dashboard/.exec(said)?.[1];
  try {
    await until(() => address() !== undefined || command.exitCode !== null, "the demo's dashboard", 100_000);
    expect(address() ?? said).toStartWith("http://127.0.0.1:");
    expect(await (await fetch(`${address()}/dashboard`)).text()).toContain("<script");
    await until(async () => (await fetch(`${address()}/health/ready`)).ok, "data to flow", 30_000);
    expect(existsSync(join(copy, "demo-data/live"))).toBe(true);
  } finally {
    endGroup(command.pid);
    await command.exited;
    await reading;
    rmSync(copy, { recursive: true, force: true });
  }
}, 150_000);
