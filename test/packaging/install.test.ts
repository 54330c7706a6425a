import { afterEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/wait.ts";

const script = join(import.meta.dir, "../../ops/install.sh");

/** systemctl as far as the script asks for it: a service whose main process stands in a file. */
const systemctl = `#!/bin/sh
echo "$*" >>"$STUB/asked"
pid=$(cat "$STUB/pid" 2>/dev/null || echo 0)
case $1 in
  disable) [ "$pid" -eq 0 ] || kill "$pid" ;;
  is-active) [ "$pid" -gt 0 ] && kill -0 "$pid" 2>/dev/null ;;
  show) echo "$pid" ;;
  start | restart)
    [ "$pid" -eq 0 ] || kill "$pid" 2>/dev/null || true
    "$STUB/root/opt/rt-data/bin/rt-data" record >/dev/null 2>&1 &
    echo $! >"$STUB/pid"
    ;;
esac
`;

/**
 * A release whose behaviour is known: it says its version, is ready or not, and at SIGUSR2 starts the file in its place, which tells
 * the service manager that it is the main process now, or does not ("hangs").
 */
function release(version: string, behaviour: "good" | "hangs" | "unready" | "old config" = "good"): string {
  return `#!/bin/sh
# ${version} ${behaviour}
place=$STUB/root/opt/rt-data/bin/rt-data
case $1 in
  --version) echo "rt-data ${version}" ;;
  ops)
    case $2 in
      systemd) printf '# unit of ${version}, data in %s\\nExecStart=rt-data record --config "x"\\n' "$RT_DATA_RECORD_DATA_DIR"; printf 'LoadCredential=telegram_token:/etc/rt-data/credentials/telegram_token\\n' ;;
      *) echo "# $2 of ${version}" ;;
    esac
    ;;
  check)
    case $2 in
      --ready) [ "$(cat "$STUB/running")" != unready ] ;;
      *) [ "${behaviour}" != "old config" ] ;;
    esac
    ;;
  upgrade)
    main=$(cat "$STUB/pid")
    kill -USR2 "$main"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      sleep 0.05
      [ "$(cat "$STUB/pid")" = "$main" ] || exit 0
    done
    echo "not upgraded: it does not take over" >&2
    exit 1
    ;;
  record)
    if [ "$2" = beside ]; then
      [ "${behaviour}" != hangs ] || exit 0
      echo $$ >"$STUB/pid"
    fi
    echo "${behaviour}" >"$STUB/running"
    trap '"$place" record beside >/dev/null 2>&1 & while read -r main <"$STUB/pid" && [ "$main" = $$ ]; do sleep 0.05; done; exit 0' USR2
    while [ -d "$STUB/root" ] && [ ! -e "$STUB/over" ]; do sleep 0.05; done
    ;;
esac
`;
}

type Machine = {
  readonly root: string;
  /** Runs the script as `curl … | sh -s -- WORDS` does, while this process goes on. */
  pipe(...words: string[]): Promise<{ code: number; told: string }>;
  run(...words: string[]): { code: number; told: string };
  runWith(env: Record<string, string>, ...words: string[]): { code: number; told: string };
  file(name: string, content: string, sum?: "right" | "wrong" | "none"): string;
  read(path: string): string;
  asked(): string;
  mainPid(): number;
};

const machines: string[] = [];
afterEach(() => {
  for (const stub of machines.splice(0)) writeFileSync(join(stub, "over"), "");
});

function machine(): Machine {
  const stub = temporaryFolder();
  machines.push(stub);
  const root = join(stub, "root");
  mkdirSync(root);
  mkdirSync(join(stub, "bin"));
  writeFileSync(join(stub, "bin/systemctl"), systemctl);
  chmodSync(join(stub, "bin/systemctl"), 0o755);
  const env = {
    PATH: `${join(stub, "bin")}:/usr/sbin:/usr/bin:/sbin:/bin`,
    STUB: stub,
    INSTALL_READY_SECONDS: "1",
  };
  const read = (path: string) => readFileSync(join(root, path), "utf8").trim();
  return {
    root,
    read,
    run: (...words) => runWith({}, ...words),
    async pipe(...words) {
      const temporary = join(stub, "tmp");
      mkdirSync(temporary, { recursive: true });
      const options = { env: { ...env, TMPDIR: temporary }, stdout: "pipe", stderr: "pipe" } as const;
      const child = Bun.spawn(["sh", "-s", "--", ...words, "--root", root], { ...options, stdin: Bun.file(script) });
      const told = await Promise.all([child.stderr, child.stdout].map((stream) => new Response(stream).text()));
      // Whatever happened, no file is left behind.
      expect(readdirSync(temporary)).toEqual([]);
      return { code: await child.exited, told: told.join("") };
    },
    runWith,
    file(name, content, sum = "right") {
      const folder = temporaryFolder();
      const hash = new Bun.CryptoHasher("sha256").update(sum === "wrong" ? "x" : content).digest("hex");
      writeFileSync(join(folder, name), content);
      if (sum !== "none") writeFileSync(join(folder, "SHA256SUMS"), `${hash}  ${name}\n`);
      return join(folder, name);
    },
    asked: () => readFileSync(join(stub, "asked"), "utf8"),
    mainPid: () => Number(readFileSync(join(stub, "pid"), "utf8")),
  };

  function runWith(more: Record<string, string>, ...words: string[]) {
    const options = { env: { ...env, ...more }, stdout: "pipe", stderr: "pipe" } as const;
    const ran = Bun.spawnSync(["sh", script, ...words, "--root", root], options);
    return { code: ran.exitCode, told: ran.stderr.toString() + ran.stdout.toString() };
  }
}

const name = "rt-data-linux-x64";

test("install puts everything in its place, starts the service, and may be repeated", () => {
  const host = machine();
  const file = host.file(name, release("1.0.0"));
  const { code, told } = host.run("install", file);
  expect({ code, told }).toEqual({ code: 0, told: expect.stringContaining("it records") });
  expect(host.read("opt/rt-data/current")).toBe("1.0.0");
  expect(host.read("etc/systemd/system/rt-data.service")).toContain("unit of 1.0.0");
  expect(host.read("usr/local/sbin/rt-data-install")).toBe("# install of 1.0.0");
  expect(host.asked()).toMatch(/daemon-reload\nenable --quiet rt-data\n.*\nstart rt-data\n/);
  expect(statSync(join(host.root, "etc/rt-data/credentials")).mode & 0o777).toBe(0o700);
  expect(statSync(join(host.root, "etc/rt-data/credentials/telegram_token")).mode & 0o777).toBe(0o600);
  writeFileSync(join(host.root, "etc/rt-data/rt-data.toml"), "# mine\n");
  writeFileSync(join(host.root, "etc/rt-data/credentials/telegram_token"), "secret");
  const pid = host.mainPid();
  expect(host.run("install", file)).toMatchObject({ code: 0, told: expect.stringContaining("left alone") });
  expect(host.mainPid()).toBe(pid);
  expect(host.read("etc/rt-data/rt-data.toml")).toBe("# mine");
  expect(host.read("etc/rt-data/credentials/telegram_token")).toBe("secret");
}, 60_000);

test("a file that does not match SHA256SUMS, or has none, is refused, and no file changes", () => {
  const host = machine();
  for (const [sum, words] of [
    ["wrong", "fetch it again"],
    ["none", "SHA256SUMS"],
  ] as const) {
    const { code, told } = host.run("install", host.file(name, release("1.0.0"), sum));
    expect(code).toBe(1);
    expect(told).toContain(words);
  }
  expect(existsSync(join(host.root, "opt"))).toBe(false);
  expect(host.run("install", host.file(name, release("1.0.0"), "none"), "--unverified").code).toBe(0);
}, 60_000);

test("a file that does not run here is refused with what to take instead", () => {
  const host = machine();
  const { code, told } = host.run("install", host.file(name, "#!/bin/sh\nexit 132\n"));
  expect(code).toBe(1);
  expect(told).toContain("-baseline");
  expect(existsSync(join(host.root, "opt/rt-data/current"))).toBe(false);
});

test("an upgrade is taken over by the new version without a restart, and a rollback is the same back", () => {
  const host = machine();
  host.run("install", host.file(name, release("1.0.0")));
  const first = host.mainPid();
  expect(host.run("upgrade", host.file(name, release("1.1.0")))).toMatchObject({
    code: 0,
    told: expect.stringContaining("version 1.1.0 records; 1.0.0 is kept"),
  });
  const second = host.mainPid();
  expect(second).not.toBe(first);
  expect([host.read("opt/rt-data/current"), host.read("opt/rt-data/previous")]).toEqual(["1.1.0", "1.0.0"]);
  expect(host.read("opt/rt-data/bin/rt-data")).toContain("# 1.1.0");
  expect(host.run("rollback").code).toBe(0);
  expect([host.read("opt/rt-data/current"), host.read("opt/rt-data/previous")]).toEqual(["1.0.0", "1.1.0"]);
  expect(host.read("etc/systemd/system/rt-data.service")).toContain("unit of 1.0.0");
  expect(host.mainPid()).not.toBe(second);
  expect(host.asked()).not.toContain("restart");
}, 60_000);

for (const behaviour of ["hangs", "unready"] as const) {
  test(`an upgrade to a version that ${behaviour} goes back by itself, and says so`, () => {
    const host = machine();
    host.run("install", host.file(name, release("1.0.0")));
    host.run("upgrade", host.file(name, release("1.1.0")));
    const { code, told } = host.run("upgrade", host.file(name, release("1.2.0", behaviour)));
    expect(code).toBe(1);
    expect(told).toContain("going back to version 1.1.0");
    expect(told).toContain("Version 1.1.0 records as before");
    expect([host.read("opt/rt-data/current"), host.read("opt/rt-data/previous")]).toEqual(["1.1.0", "1.0.0"]);
    expect(host.read("opt/rt-data/bin/rt-data")).toContain("# 1.1.0");
  }, 60_000);
}

test("a version that does not accept the config is not installed", () => {
  const host = machine();
  host.run("install", host.file(name, release("1.0.0")));
  const pid = host.mainPid();
  const { code, told } = host.run("upgrade", host.file(name, release("2.0.0", "old config")));
  expect(code).toBe(1);
  expect(told).toContain("does not accept the config: nothing was changed");
  expect([host.read("opt/rt-data/current"), host.mainPid()]).toEqual(["1.0.0", pid]);
  expect(host.read("opt/rt-data/bin/rt-data")).toContain("# 1.0.0");
}, 60_000);

test("wrong words are refused with the right words, and so is a rollback without an earlier version", () => {
  const host = machine();
  expect(host.run("upgrad")).toMatchObject({ code: 1, told: expect.stringContaining("upgrade FILE") });
  expect(host.run("--rot", "x")).toMatchObject({ code: 1, told: expect.stringContaining("--root DIR") });
  expect(host.run("upgrade")).toMatchObject({ code: 1, told: expect.stringContaining("use install") });
  host.run("install", host.file(name, release("1.0.0")));
  expect(host.run("rollback")).toMatchObject({ code: 1, told: expect.stringContaining("no version before") });
});

test("the settings of rt-data.env count for the output and the checks of the installer, and are never executed", () => {
  const host = machine();
  mkdirSync(join(host.root, "etc/rt-data"), { recursive: true });
  const pwned = join(host.root, "pwned");
  writeFileSync(
    join(host.root, "etc/rt-data/rt-data.env"),
    `RT_DATA_RECORD_DATA_DIR=/srv/$(touch ${pwned}) &touch ${pwned}\n`,
  );
  expect(host.run("install", host.file(name, release("1.0.0"))).code).toBe(0);
  expect(host.read("etc/systemd/system/rt-data.service")).toStartWith(
    `# unit of 1.0.0, data in /srv/$(touch ${pwned}) &touch ${pwned}\n`,
  );
  expect(host.read("etc/systemd/system/rt-data.service")).toContain("record --config /etc/rt-data/rt-data.toml\n");
  expect(existsSync(pwned)).toBe(false);
});

test("without systemd an image gets every file and no service is started; a machine is refused before anything is written", () => {
  const host = machine();
  rmSync(join(host.root, "../bin/systemctl"));
  // The folders of this machine's own programs without its systemctl.
  const programs = temporaryFolder();
  for (const folder of ["/usr/sbin", "/usr/bin", "/sbin", "/bin"])
    for (const program of existsSync(folder) ? readdirSync(folder) : [])
      if (program !== "systemctl" && !existsSync(join(programs, program)))
        symlinkSync(join(folder, program), join(programs, program));
  const file = host.file(name, release("1.0.0"));
  const { code, told } = host.runWith({ PATH: programs }, "install", file);
  expect([code, told]).toEqual([0, expect.stringContaining("nothing was started, since systemd does not run here")]);
  expect(host.read("etc/systemd/system/rt-data.service")).toStartWith("# unit of 1.0.0");
  expect(host.runWith({ PATH: programs }, "upgrade", host.file(name, release("1.1.0"))).code).toBe(0);
  expect([host.read("opt/rt-data/current"), host.read("opt/rt-data/previous")]).toEqual(["1.1.0", "1.0.0"]);
  const refused = Bun.spawnSync(["sh", script, "rollback"], { env: { PATH: programs }, stderr: "pipe" });
  expect([refused.exitCode, refused.stderr.toString()]).toEqual([
    1,
    expect.stringMatching(/there is no systemd here|this needs root/),
  ]);
}, 60_000);

test("two installers at once: the second is refused", async () => {
  const host = machine();
  host.run("install", host.file(name, release("1.0.0")));
  const lock = join(host.root, "opt/rt-data/.lock");
  const holder = Bun.spawn(["flock", lock, "-c", "echo held; read -r _"], { stdin: "pipe", stdout: "pipe" });
  await holder.stdout.getReader().read();
  const { code, told } = host.run("upgrade", host.file(name, release("1.1.0")));
  expect([code, told]).toEqual([1, expect.stringContaining("another rt-data-install is at work")]);
  holder.stdin.end();
  await holder.exited;
  expect(host.run("upgrade", host.file(name, release("1.1.0"))).code).toBe(0);
}, 60_000);

const noClient = Bun.which("curl") === null && Bun.which("wget") === null ? " (skipped: neither curl nor wget)" : "";
const target = `rt-data-linux-${process.arch}`;

test.skipIf(noClient !== "")(
  `by one line a release is fetched from its address, checked and installed, and upgraded from the same address; after a damaged or missing file all is as before${noClient}`,
  async () => {
    const host = machine();
    const files = new Map<string, string>();
    const asked: string[] = [];
    const publish = (version: string, sent = release(version)) => {
      const sum = new Bun.CryptoHasher("sha256").update(release(version)).digest("hex");
      files.set("/r/SHA256SUMS", `${sum}  ${target}\n`).set(`/r/${target}`, sent);
    };
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch({ url }) {
        const { pathname } = new URL(url);
        asked.push(pathname);
        const file = files.get(pathname);
        return file === undefined ? new Response("no such file", { status: 404 }) : new Response(file);
      },
    });
    const from = `http://127.0.0.1:${server.port}/r`;

    expect(await host.pipe("install", "--from", from)).toMatchObject({
      code: 1,
      told: expect.stringContaining(`${from}/SHA256SUMS cannot be fetched: `),
    });
    publish("1.0.0", release("6.6.6"));
    expect(await host.pipe("install", "--from", from)).toMatchObject({
      code: 1,
      told: expect.stringContaining("fetch it again"),
    });
    expect(existsSync(join(host.root, "opt"))).toBe(false);

    publish("1.0.0");
    const { code, told } = await host.pipe("install", "--from", `${from}/`);
    expect([code, told]).toEqual([0, expect.stringContaining("it records")]);
    for (const words of [`fetching ${target} from ${from}`, "the service rt-data", "rt-data-install (upgrade"])
      expect(told).toContain(words);

    const first = host.mainPid();
    publish("1.1.0", release("1.1.0").slice(0, -50));
    expect(await host.pipe("upgrade")).toMatchObject({ code: 1, told: expect.stringContaining("fetch it again") });
    expect([host.read("opt/rt-data/current"), host.mainPid()]).toEqual(["1.0.0", first]);
    publish("1.1.0");
    expect(await host.pipe("upgrade")).toMatchObject({ code: 0, told: expect.stringContaining("1.1.0 records") });
    expect(host.read("opt/rt-data/current")).toBe("1.1.0");

    asked.length = 0;
    expect(await host.pipe("upgrade")).toMatchObject({ code: 0, told: expect.stringContaining("in place already") });
    expect(asked).toEqual(["/r/SHA256SUMS"]);
    await server.stop(true);
  },
  60_000,
);

test("uninstall stops and removes what was installed, keeps settings, secrets and recordings, and may be repeated", async () => {
  const host = machine();
  expect(host.run("uninstall")).toMatchObject({ code: 1, told: expect.stringContaining("nothing is installed") });
  host.run("install", host.file(name, release("1.0.0")));
  const pid = host.mainPid();
  writeFileSync(join(host.root, "etc/rt-data/credentials/telegram_token"), "secret");
  writeFileSync(join(host.root, "var/lib/rt-data/recording"), "data");
  expect(host.run("uninstall")).toMatchObject({ code: 0, told: expect.stringContaining("What stays: settings and") });
  expect(host.asked()).toMatch(/disable --quiet --now rt-data\n.*daemon-reload\n$/s);
  await until(() => !existsSync(`/proc/${pid}`), "the service to end");
  for (const path of ["opt/rt-data", "etc/systemd/system/rt-data.service", "usr/local/bin/rt-data"])
    expect([path, existsSync(join(host.root, path))]).toEqual([path, false]);
  expect(host.read("etc/rt-data/credentials/telegram_token")).toBe("secret");
  expect(host.read("var/lib/rt-data/recording")).toBe("data");
  expect(host.run("uninstall")).toMatchObject({ code: 1, told: expect.stringContaining("nothing is installed") });
  expect(host.run("install", host.file(name, release("1.1.0"))).code).toBe(0);
  expect(host.read("etc/rt-data/credentials/telegram_token")).toBe("secret");
}, 60_000);
