import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/wait.ts";

const script = join(import.meta.dir, "../../ops/install.sh");
const tracer = join(import.meta.dir, "tracer.py");
const compiler = ["cc", "tcc"].map((name) => Bun.which(name)).find((path) => path !== null);

/** What a test that kills the installer adds to its title where it cannot be run, otherwise "". */
export const killMissing = (() => {
  if (compiler === undefined) return " (skipped: there is no C compiler)";
  if (process.arch !== "x64" || process.platform !== "linux") return " (skipped: the tracer knows x86-64 Linux alone)";
  const works =
    spawnSync("python3", [tracer, "count", "/tmp", "0", "true"], { env: { ...process.env, TRACER_COUNT: "/dev/null" } })
      .status === 0;
  return works ? "" : " (skipped: python3 is not installed or may not trace)";
})();

/** How a run of the installer is disturbed: at its n-th change of a file, or before its n-th call of systemctl. */
export type Disturbance = { readonly mode: "count" | "kill" | "one" | "term" | "full"; readonly at: number };

export type InstallMachine = {
  readonly root: string;
  /** Runs the installer; `events` are the changes of files and calls of systemctl, each as a call and its path. */
  run(words: readonly string[], disturbance?: Disturbance): { code: number; told: string; events: readonly string[] };
  release(version: string): string;
  read(path: string): string | null;
  /** The version of the executable of the running process; null without process. */
  running(): string | null;
  mainPid(): number;
  save(name: string): void;
  /** As it was at `save`, with the service started if it ran then. */
  restore(name: string): Promise<void>;
  stop(): void;
};

const versions = ["1.0.0", "1.1.0"] as const;
const name = "rt-data linux-x64";

/** systemctl as far as the script uses it. As with systemd, its processes are not children of the installer. */
const systemctl = `#!/bin/sh
pid=$(cat "$STUB/pid" 2>/dev/null || echo 0)
case $1 in
  is-active) [ "$pid" -gt 0 ] && kill -0 "$pid" 2>/dev/null ;;
  show) echo "$pid" ;;
  start | restart)
    ack=$STUB/ack.$$
    echo "$1 $ack" >"$STUB/init"
    until [ -e "$ack" ]; do sleep 0.01; done
    rm -f "$ack"
    ;;
esac
`;

/** The machine's first process. */
const init = `
mkfifo "$STUB/init"
while read -r verb ack <&3; do
  [ "$verb" != quit ] || exit 0
  kill "$(cat "$STUB/pid" 2>/dev/null)" 2>/dev/null
  "$STUB/root/opt/rt-data/bin/rt-data" record >/dev/null 2>&1 3<&- &
  echo $! >"$STUB/pid.new"
  mv "$STUB/pid.new" "$STUB/pid"
  : >"$ack"
done 3<>"$STUB/init"
`;

/** A machine below a folder with a space in its name, with two releases that are executables of their own. */
export function installMachine(umask: string): InstallMachine {
  const stub = join(temporaryFolder(), "a machine");
  const root = join(stub, "root");
  for (const folder of [root, join(stub, "bin"), join(stub, "saved")]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(stub, "bin/systemctl"), systemctl);
  chmodSync(join(stub, "bin/systemctl"), 0o755);
  for (const version of versions) {
    const folder = join(stub, version);
    mkdirSync(folder);
    const out = join(folder, name);
    const built = spawnSync(compiler ?? "cc", [
      `-DVERSION="${version}"`,
      "-o",
      out,
      join(import.meta.dir, "release-stub.c"),
    ]);
    if (built.status !== 0) throw new Error(built.stderr.toString());
    const sum = new Bun.CryptoHasher("sha256").update(readFileSync(out)).digest("hex");
    writeFileSync(join(folder, "SHA256SUMS"), `${sum}  other\n${sum}  ${name}\n`);
  }
  const env = { PATH: `${join(stub, "bin")}:/usr/sbin:/usr/bin:/sbin:/bin`, STUB: stub, INSTALL_READY_SECONDS: "1" };
  const first = Bun.spawn(["sh", "-c", init], { env, stdin: "ignore", stdout: "ignore", stderr: "ignore" });

  const machine: InstallMachine = {
    root,
    run(words, disturbance) {
      const { mode, at } = disturbance ?? { mode: "none", at: 0 };
      const installer = ["sh", "-c", `umask ${umask}; exec sh "$@"`, "sh", script, ...words, "--root", root];
      const traced = mode === "none" ? installer : ["python3", tracer, mode, root, String(at), ...installer];
      const counted = join(stub, "count");
      const ran = spawnSync(traced[0] ?? "", traced.slice(1), {
        env: { ...env, TRACER_COUNT: counted },
        timeout: 60_000,
      });
      return {
        code: ran.status ?? -1,
        told: ran.stderr.toString() + ran.stdout.toString(),
        events: mode === "none" ? [] : readFileSync(counted, "utf8").trim().split("\n"),
      };
    },
    release: (version) => join(stub, version, name),
    read: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "latin1") : null),
    running() {
      const pid = machine.mainPid();
      if (pid === 0 || !existsSync(`/proc/${pid}/exe`)) return null;
      const own = readFileSync(`/proc/${pid}/exe`);
      return versions.find((version) => own.equals(readFileSync(machine.release(version)))) ?? "another";
    },
    mainPid: () => Number(existsSync(join(stub, "pid")) ? readFileSync(join(stub, "pid"), "utf8") : 0),
    save: (to) => cpSync(root, join(stub, "saved", to), { recursive: true }),
    async restore(from) {
      rmSync(join(stub, "pid"), { force: true });
      // What runs goes, since its folder does.
      rmSync(root, { recursive: true, force: true });
      spawnSync("cp", ["-a", join(stub, "saved", from), root]);
      if (!existsSync(join(root, "opt/rt-data/bin/rt-data"))) return;
      spawnSync(join(stub, "bin/systemctl"), ["start"], { env });
      await until(() => machine.running() !== null, "the service to run");
    },
    stop() {
      writeFileSync(join(stub, "over"), "");
      first.kill("SIGKILL");
    },
  };
  return machine;
}

/** Every file below a folder, by its path in it. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
