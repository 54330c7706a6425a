import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { which } from "bun";
import { debOf, debVersion } from "../../ops/release/deb.ts";
import { debTexts } from "../../ops/release/deb-texts.ts";
import { recorderOf } from "../../server/storage/lock/data-folder.ts";
import { builtExecutable } from "../support/executable.ts";
import { temporaryFolder } from "../support/folder.ts";
import { endRecorders, isRunning, startUpgradable } from "../support/upgrades.ts";
import { until } from "../support/wait.ts";

const missing = (() => {
  if (process.arch !== "x64" && process.arch !== "arm64") return ` (skipped: no package for ${process.arch})`;
  const absent = ["dpkg", "dpkg-deb"].filter((name) => which(name) === null);
  return absent.length === 0 ? "" : ` (skipped: ${absent.join(", ")} not installed)`;
})();
const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const maintainer = "RT-Data <maintainers@rt-data.example>";
const sourceOf = (version: string) => ({ version, commit: "abcdef0", committedAt: 1_763_800_000 });
const texts = debTexts(sourceOf("1.0.0"), "licences\n");
const packageOf = (executable: Uint8Array, version: string) =>
  debOf(executable, texts, { architecture, source: sourceOf(version), maintainer, level: 1 });

const folder = temporaryFolder();
const root = join(folder, "root");
const dataDir = join(folder, "data");
const debs = { old: join(folder, "old.deb"), new: join(folder, "new.deb"), refusing: join(folder, "refusing.deb") };

/** systemctl and its friends, as far as the package's scripts ask: the main process is the recorder. */
const stub = `#!/bin/sh
pid=$(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p' "${dataDir}/rt-data.lock" 2>/dev/null)
case \${0##*/}:$1 in
  systemctl:show) echo "\${pid:-0}" ;;
  systemctl:is-active) [ -n "$pid" ] && kill -0 "$pid" ;;
  deb-systemd-invoke:stop) kill "$pid" ;;
esac
`;

beforeAll(async () => {
  if (missing !== "") return;
  const executable = readFileSync(await builtExecutable());
  writeFileSync(debs.old, packageOf(executable, "1.0.0"));
  writeFileSync(debs.new, packageOf(executable, "1.1.0"));
  writeFileSync(debs.refusing, packageOf(Buffer.from("#!/bin/sh\necho no >&2\nexit 2\n"), "1.2.0"));
  for (const name of ["bin", "root/var/lib/dpkg/info", "root/var/lib/dpkg/updates", "root/run/systemd/system"])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(root, "var/lib/dpkg/status"), "");
  for (const name of ["systemctl", "deb-systemd-invoke", "deb-systemd-helper"]) {
    writeFileSync(join(folder, "bin", name), stub);
    chmodSync(join(folder, "bin", name), 0o755);
  }
}, 120_000);
afterAll(endRecorders);

/** Runs dpkg on the root, while the exchange of this process goes on. */
async function dpkg(...words: string[]): Promise<{ code: number; told: string }> {
  const force = ["script-chrootless", "not-root", "depends", "bad-path"].map((name) => `--force-${name}`);
  const env = { PATH: `${folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin` };
  const child = Bun.spawn(["dpkg", ...force, "--root", root, ...words], {
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const told = await Promise.all([child.stderr, child.stdout].map((stream) => new Response(stream).text()));
  return { code: await child.exited, told: told.join("") };
}

const placed = join(root, "usr/lib/rt-data/rt-data");
const executes = (pid: number, path: string) => statSync(`/proc/${pid}/exe`).ino === statSync(path).ino;

test("the same input gives the same package, byte for byte; versions before a release sort before it", () => {
  const [a, b] = [packageOf(Buffer.from("x"), "1.0.0"), packageOf(Buffer.from("x"), "1.0.0")];
  expect(Buffer.compare(a, b)).toBe(0);
  expect(["1.0.0-rc.1", "1.0.0", "1.0.0+12.gabc"].map(debVersion)).toEqual([
    "1.0.0~rc.1-1",
    "1.0.0-1",
    "1.0.0+12.gabc-1",
  ]);
});

test.skipIf(missing !== "")(
  `dpkg replaces a recorder under load without a gap, goes back from a version that fails, and purge leaves the data${missing}`,
  async () => {
    mkdirSync(join(root, "etc/rt-data"), { recursive: true });
    const first = await dpkg("--install", debs.old);
    expect([first.code, first.told]).toEqual([0, expect.stringContaining("Setting up rt-data (1.0.0-1)")]);
    for (const secret of ["telegram_token", "http_password_hash"])
      expect(statSync(join(root, "etc/rt-data/credentials", secret)).mode & 0o777).toBe(0o600);

    const market = { symbols: 8, types: ["depth20@100ms", "aggTrade"], speed: 2 };
    const config = ["--config", join(root, "etc/rt-data/rt-data.toml")];
    // The package's scripts ask the recorder at the port that is set.
    const free = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const env = { RT_DATA_HTTP_PORT: String(free.port) };
    await free.stop(true);
    const run = await startUpgradable({ dataDir, program: [placed], ...market, flags: config, env });
    writeFileSync(
      join(root, "etc/rt-data/rt-data.env"),
      Object.entries(environmentOf(run.recorder.pid))
        .map(([variable, value]) => `${variable}=${value}\n`)
        .join(""),
    );
    const changed = await dpkg("--install", debs.new);
    expect([changed.code, changed.told]).toEqual([0, expect.stringContaining("upgraded from")]);
    const second = run.pid();
    expect([second === run.recorder.pid, executes(second, placed)]).toEqual([false, true]);
    await until(() => !isRunning(run.recorder.pid), "the old version to end", 60_000);

    const refused = await dpkg("--install", debs.refusing);
    expect([refused.code, refused.told]).toEqual([1, expect.stringContaining("it does not accept the config")]);
    expect([run.pid(), executes(second, placed)]).toEqual([second, true]);
    expect(existsSync(`${placed}.refused`)).toBe(true);

    const back = await dpkg("--install", debs.old);
    expect([back.code, back.told]).toEqual([0, expect.stringContaining("upgraded from")]);
    const third = run.pid();
    expect([third === second, executes(third, placed)]).toEqual([false, true]);
    expect([existsSync(`${placed}.refused`), existsSync(`${placed}.before`)]).toEqual([false, false]);

    const { lost, doubled, foreign, gaps } = await run.finish(third);
    expect({ lost, doubled, foreign, gaps }).toEqual({ lost: 0, doubled: 0, foreign: 0, gaps: [] });

    writeFileSync(join(root, "etc/rt-data/credentials/telegram_token"), "secret");
    expect((await dpkg("--purge", "rt-data")).code).toBe(0);
    expect(existsSync(join(root, "etc/rt-data"))).toBe(false);
    expect(existsSync(join(root, "usr/lib/rt-data"))).toBe(false);
    expect(recorderOf(dataDir)).toBeNull();
    expect(existsSync(join(dataDir, "rt-data.sqlite"))).toBe(true);
  },
  180_000,
);

/** The settings that a process was given. */
function environmentOf(pid: number): Record<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .filter((entry) => entry.startsWith("RT_DATA_"));
  return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
}
