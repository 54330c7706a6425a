import { expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ops } from "../../server/cli/ops/ops.ts";
import { messageOf } from "../../server/platform/errors.ts";
import { temporaryFolder } from "../support/folder.ts";

const root = join(import.meta.dir, "../..");
const environmentParser = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
const systemd = "/usr/lib/systemd/systemd";

/** Characters and words with a meaning in any of the languages, and letters of other languages. */
const pieces = [
  ...[
    " ",
    "  ",
    '"',
    "'",
    "\\",
    "$",
    "$HOME",
    "$".concat("{x}"),
    "$$",
    "%",
    "%%",
    "%h",
    ";",
    "&",
    "|",
    "#",
    "`id`",
    "$(id)",
    "*",
    "?",
    "~",
  ],
  ...[
    "{",
    "}",
    "<",
    ">",
    "(",
    ")",
    "!",
    "=",
    ":",
    ",",
    "@",
    "+",
    "-",
    "a",
    "B",
    "7",
    "é",
    "币安",
    "한국어",
    "😀",
    "\\n",
    "\\x41",
    "'\\''",
  ],
] as const;

function oddTexts(count: number, seed: number): string[] {
  let state = seed;
  const next = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const each = pieces.map((piece) => `a${piece}z`);
  const mixed = Array.from({ length: count }, () =>
    Array.from({ length: 1 + next(8) }, () => pieces[next(pieces.length)] ?? "").join(""),
  );
  return [...each, ...mixed];
}

type Settings = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** What `rt-data ops` prints for a config with these settings; null and why if it refuses. */
async function printed(topic: string, settings: Settings, flags: Record<string, string> = {}) {
  const file = flags.config ?? join(temporaryFolder(), "rt-data.toml");
  const sections = Object.entries(settings).map(([section, keys]) =>
    [`[${section}]`, ...Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)].join("\n"),
  );
  writeFileSync(file, sections.join("\n"));
  let output = "";
  const print = (line: string) => {
    output = `${line}\n`;
  };
  try {
    await ops.run({ ...flags, topic, config: file }, { print } as unknown as Parameters<typeof ops.run>[1]);
    return { output, errors: "" };
  } catch (error) {
    return { output: null, errors: messageOf(error) };
  }
}

function tool(words: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}) {
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...options.env };
  const ran = Bun.spawnSync([...words], { ...options, env, stdout: "pipe", stderr: "pipe" });
  return { code: ran.exitCode, output: ran.stdout.toString(), told: ran.stderr.toString() };
}

/** The command `rt-data` as install.sh makes it, for these folders; its executable prints its environment, each variable behind a zero byte. */
function byHand(etc: string): string {
  const folder = temporaryFolder();
  const program = join(folder, "the program's env");
  writeFileSync(program, "#!/bin/sh\nexec env -0\n");
  chmodSync(program, 0o755);
  const library = readFileSync(join(root, "ops/install.sh"), "utf8").replace(/\ntrap finish EXIT\n[\s\S]*$/, "\n");
  const made = tool(["sh", "-c", `${library}\nwrapper "$1" "$2"`, "sh", etc, program]);
  expect([made.code, made.told]).toEqual([0, ""]);
  const path = join(folder, "rt-data");
  writeFileSync(path, made.output);
  return path;
}

function environmentFrom(shell: readonly string[], path: string, env: Record<string, string> = {}, cwd?: string) {
  const { code, output, told } = tool([...shell, path], { env, ...(cwd === undefined ? {} : { cwd }) });
  expect([code, told]).toEqual([0, ""]);
  return new Map(output.split("\0").map((entry) => [entry.replace(/=.*/s, ""), entry.replace(/^[^=]*=/, "")]));
}

const shells = [["sh"], ["bash", "--posix"], ["busybox", "sh"]].filter(([name]) => Bun.which(name ?? "") !== null);

test.each(shells)("the command rt-data hands settings over verbatim and executes none of them: %s", (...shell) => {
  const etc = join(temporaryFolder(), "it's etc");
  mkdirSync(join(etc, "credentials"), { recursive: true });
  for (const name of ["telegram_token", "http_password_hash", "odd name", "x;id", "old~"])
    writeFileSync(join(etc, "credentials", name), "s");
  const hash = "$argon2id$v=19$m=65536,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo";
  const cwd = temporaryFolder();
  writeFileSync(
    join(etc, "rt-data.env"),
    [
      "# a comment; $(touch pwned)",
      "; another \\",
      `RT_DATA_HTTP_PASSWORD_HASH=${hash}`,
      "RT_DATA_RECORD_DATA_DIR=/srv/data &touch pwned",
      "RT_DATA_UPLOAD_BUCKET=`touch pwned`; touch pwned | touch pwned",
      "RT_DATA_UPLOAD_PREFIX='a \\ \"b\" $(touch pwned)'",
      'RT_DATA_UPLOAD_REGION="q \\" \\\\ \\` \\$ \\x"  ',
      "RT_DATA_LOG_LEVEL=info   ",
      "RT_DATA_LOG_FORMAT=a\\",
      "b",
      "RT_DATA_EMPTY=",
      "touch pwned",
      "$(touch pwned)=x",
      "a b=c",
      "  RT_DATA_SPACED = x y ",
      "TZ=Asia/Seoul",
      "rest=clobbered",
      "RT_DATA_TELEGRAM_LANGUAGE=ko",
      "RT_DATA_LAST=no newline",
    ].join("\n"),
  );
  const found = environmentFrom(shell, byHand(etc), { RT_DATA_TELEGRAM_LANGUAGE: "en" }, cwd);
  expect(Object.fromEntries([...found].filter(([name]) => /^(RT_|TZ|rest)/.test(name)))).toEqual({
    RT_DATA_TELEGRAM_TOKEN_FILE: join(etc, "credentials/telegram_token"),
    RT_DATA_HTTP_PASSWORD_HASH_FILE: join(etc, "credentials/http_password_hash"),
    RT_DATA_HTTP_PASSWORD_HASH: hash,
    RT_DATA_RECORD_DATA_DIR: "/srv/data &touch pwned",
    RT_DATA_UPLOAD_BUCKET: "`touch pwned`; touch pwned | touch pwned",
    RT_DATA_UPLOAD_PREFIX: 'a \\ "b" $(touch pwned)',
    RT_DATA_UPLOAD_REGION: 'q " \\ ` $ \\x',
    RT_DATA_LOG_LEVEL: "info",
    RT_DATA_LOG_FORMAT: "ab",
    RT_DATA_EMPTY: "",
    RT_DATA_SPACED: "x y",
    TZ: "Asia/Seoul",
    RT_DATA_TELEGRAM_LANGUAGE: "en",
    RT_DATA_LAST: "no newline",
  });
  expect(readdirSync(cwd)).toEqual([]);
});

test.skipIf(!existsSync(environmentParser))("the command rt-data reads any file as systemd's own parser does", () => {
  const etc = temporaryFolder();
  mkdirSync(join(etc, "environment.d"));
  // This program of systemd also expands variables, which EnvironmentFile= does not; and it checks UTF-8.
  const lines = oddTexts(400, 7)
    .filter((text) => !text.includes("$"))
    .map((text, n) => `RT_DATA_X${n}=${text}`);
  const text = `${lines.join("\n")}\n`;
  writeFileSync(join(etc, "rt-data.env"), text);
  writeFileSync(join(etc, "environment.d/1.conf"), text);
  const systemdSays = tool([environmentParser], { env: { XDG_CONFIG_HOME: etc, HOME: etc } });
  // It prints values with special characters between double quotes, with \\n for a newline, and leaves out empty values.
  const unescaped = (value: string) =>
    value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, (_, char) => (char === "n" ? "\n" : char)) : value;
  const wanted = new Map(
    systemdSays.output
      .split("\n")
      .map((line) => [line.replace(/=.*/, ""), unescaped(line.replace(/^[^=]*=/, ""))] as const),
  );
  const found = environmentFrom(["sh"], byHand(etc));
  const ours = (all: Map<string, string>) =>
    Object.fromEntries([...all].filter(([name, value]) => name.startsWith("RT_DATA_") && value !== ""));
  expect(Object.keys(ours(wanted)).length).toBeGreaterThan(100);
  expect(ours(found)).toEqual(ours(wanted));
});

test("what `ops env` prints, without its #, means the same to the command rt-data and to a shell, whatever the values", async () => {
  const etc = temporaryFolder();
  const command = byHand(etc);
  const texts = [
    ...oddTexts(16, 11).slice(-16),
    pieces.join(""),
    ...pieces.filter((piece) => /["'\\$`#;\s]/.test(piece)),
  ].map((text) => text.trim());
  for (const text of texts.filter((odd) => odd !== "")) {
    const { output } = await printed("env", { record: { data_dir: `/srv/${text}` }, upload: { region: text } });
    writeFileSync(join(etc, "rt-data.env"), (output ?? "").replaceAll(/^#(?=RT_DATA_)/gm, ""));
    const wanted = { RT_DATA_RECORD_DATA_DIR: `/srv/${text}`, RT_DATA_UPLOAD_REGION: text };
    expect(Object.fromEntries(environmentFrom(["sh"], command))).toMatchObject(wanted);
    const sourced = environmentFrom(["sh", "-c"], `set -a; . '${etc}/rt-data.env'; exec env -0`);
    expect(Object.fromEntries(sourced)).toMatchObject(wanted);
  }
}, 60_000);

/** What a unit says to systemd itself, which prints what it has understood. Not for root. */
function understood(unit: string): string {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, "rt-data.service"), unit);
  writeFileSync(join(folder, "default.target"), "[Unit]\nWants=rt-data.service\n");
  const words = [systemd, "--test", "--system", "--no-pager"];
  const user = process.getuid?.() === 0 ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] : [];
  const env = { HOME: folder, XDG_RUNTIME_DIR: folder, SYSTEMD_UNIT_PATH: folder };
  return tool([...user, ...words], { env }).output;
}

const systemdMissing =
  existsSync(systemd) && Bun.which("setpriv") !== null ? "" : " (skipped: systemd is not installed)";

test.skipIf(systemdMissing !== "")(
  `a unit's paths are to systemd what they are in the config, whatever characters they hold${systemdMissing}`,
  async () => {
    for (const text of [...oddTexts(6, 3).slice(-6), pieces.join("")]) {
      const folder = join(temporaryFolder(), `x${text}`);
      mkdirSync(folder);
      const config = join(folder, "rt-data.toml");
      const dataDir = `/srv/${text}/data`;
      const flags = { config, executable: "/bin/true", user: "games" };
      const { output } = await printed("systemd", { record: { data_dir: dataDir } }, flags);
      const said = understood(output ?? "");
      for (const line of [`RequiresMountsFor: ${dataDir} (origin-file)`, `ReadWritePaths: ${dataDir}\n`])
        expect({ text, said: said.includes(line) || said }).toEqual({ text, said: true });
      const home = understood(
        (await printed("systemd", { record: { data_dir: `/home${dataDir}` } }, flags)).output ?? "",
      );
      expect(home).toContain(`BindPaths: /home${dataDir}:/home${dataDir}:rbind\n`);
      // It prints a command line quoted for a shell, and before a dollar sign stands one more.
      const line = /Command Line: (.*)/.exec(said)?.[1] ?? "";
      const words = tool(["bash", "-c", `printf '%s\\0' ${line}`]).output.split("\0");
      expect(words.slice(0, 4)).toEqual(["/bin/true", "record", "--config", config.replaceAll("$", "$$$$")]);
    }
  },
  60_000,
);

test.skipIf(Bun.which("systemd-analyze") === null)(
  "an executable at an odd path is found by systemd, or refused",
  async () => {
    const folder = temporaryFolder();
    const taken = pieces.filter((piece) => !/["'\\$]/.test(piece));
    for (const text of pieces.filter((piece) => !taken.includes(piece))) {
      const { output, errors } = await printed("systemd", {}, { executable: `/opt/x${text}/rt-data` });
      expect([text, output, errors]).toEqual([text, null, expect.stringContaining("--executable")]);
    }
    const executable = join(folder, taken.join(""));
    copyFileSync("/bin/true", executable);
    const { output } = await printed("systemd", {}, { executable, user: "games" });
    const unit = join(folder, "rt-data.service");
    writeFileSync(unit, output ?? "");
    expect(tool(["systemd-analyze", "verify", unit])).toEqual({ code: 0, output: "", told: "" });
  },
  60_000,
);

test("a public name that is none to DNS is refused for everything that is made of it, and never printed as words of another language", async () => {
  const labels = ["a;b", "$host", "{x}", "a'b", "a&b", "-x", "x-", "x_y", "a`id`", "$(id)", "*", "a".repeat(64)];
  for (const name of [...labels.map((label) => `${label}.example.org`), "data.example.org.", "localhost", "192.0.2.1"])
    for (const topic of ["nginx", "certbot", "ddclient", "tunnel", "guide"]) {
      const { output, errors } = await printed(topic, { http: { public_url: `https://${name}` } });
      expect({ name, topic, output, errors }).toEqual({
        ...{ name, topic, output: null },
        errors: expect.stringContaining("public_url"),
      });
    }
  const korean = await printed("ddclient", { http: { public_url: "https://데이터.example.co.kr" } });
  expect(korean.output).toEndWith("\npassword=PUT-THE-TOKEN-HERE\nxn--2n1bp39av7g.example.co.kr\n");
  expect(korean.output).toContain("\nzone=example.co.kr\n");
  const settings = { http: { public_url: "https://data.example.org", host: "1:2", public: true } };
  expect((await printed("nginx", settings)).errors).toContain("http.host is 1:2");
});

test("the nightly copy takes the folder of the config to rclone as one word, whatever characters it holds", async () => {
  const bin = temporaryFolder();
  writeFileSync(join(bin, "rclone"), "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
  chmodSync(join(bin, "rclone"), 0o755);
  for (const text of [...oddTexts(20, 5), pieces.join("")]) {
    const { output } = await printed("backup", { record: { data_dir: `/srv/x${text}/data` } });
    const said = tool(["sh", "-c", output ?? ""], { env: { PATH: `${bin}:/usr/bin:/bin` } }).output.split("\n");
    expect(said).toContain(`/srv/x${text}/data/archive`);
  }
}, 60_000);
