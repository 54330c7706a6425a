import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands, completion } from "../../../server/cli/commands.ts";
import { temporaryFolder } from "../../support/folder.ts";

/** Returns the script of a shell, as the command prints it. */
async function scriptOf(shell: string): Promise<string> {
  const lines: string[] = [];
  const terminal = { print: (line: string) => void lines.push(line) } as Parameters<typeof completion.run>[1];
  expect(await completion.run({ topic: shell }, terminal)).toBe(0);
  return lines.join("\n");
}

/** Returns what bash offers for the last of these words. */
async function offered(...words: string[]): Promise<string[]> {
  const source = `${await scriptOf("bash")}
COMP_WORDS=(rt-data "$@"); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); _rt_data; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = Bun.spawnSync(["bash", "-c", source, "bash", ...words]);
  expect(stderr.toString()).toBe("");
  return stdout.toString().split("\n").filter(Boolean);
}

test("bash completes commands, topics, flags, and values that a flag lists; it leaves paths to the shell", async () => {
  expect(await offered("re")).toEqual(["replay", "record", "retention"].sort((a, b) => nameIndex(a) - nameIndex(b)));
  expect(await offered("ops", "sys")).toEqual(["systemd"]);
  expect(await offered("verify", "--q")).toEqual(["--quick", "--quiet"]);
  expect(await offered("export", "--format", "")).toEqual([
    "csv",
    "parquet",
    "feather",
    "freqtrade",
    "hftbacktest",
    "tardis",
  ]);
  expect(await offered("gaps", "--format", "")).toEqual(["table", "csv", "json", "parquet"]);
  expect(await offered("ls", "--data-dir", "")).toEqual([]);
  expect(await offered("record", "--take")).toEqual([]);
});

const nameIndex = (name: string) => commands.findIndex((command) => command.name === name);

test.each(["bash", "zsh", "fish"])(
  "the script of %s names every command and every flag that the help shows",
  async (shell) => {
    const script = await scriptOf(shell);
    for (const { name, flags } of commands) {
      expect(script).toMatch(new RegExp(`\\b${name}\\b`));
      for (const [flag, { isHidden }] of Object.entries(flags)) {
        const pattern = shell === "fish" ? `from ${name}' -l ${flag} ` : `--${flag}`;
        if (!isHidden) expect(script).toContain(pattern);
      }
    }
    expect(script).not.toContain("take-over");
  },
);

test.skipIf(Bun.which("zsh") === null)("zsh loads its script, which registers itself for rt-data", async () => {
  const file = join(temporaryFolder(), "_rt-data");
  writeFileSync(file, `${await scriptOf("zsh")}\n`);
  // compinit would read every completion of the machine first.
  const { stdout, stderr } = Bun.spawnSync(["zsh", "-f", "-c", `compdef() { print -r -- "$@" }; source ${file}`]);
  expect([stdout.toString(), stderr.toString()]).toEqual(["_rt_data rt-data\n", ""]);
});

test.skipIf(Bun.which("fish") === null)("fish offers commands, topics, flags and the values of a flag", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "rt-data.fish");
  writeFileSync(file, `${await scriptOf("fish")}\n`);
  const lines = ["rt-data hea", "rt-data token re", "rt-data config --ch", "rt-data token create x --scope do"];
  const script = [`source ${file}`, ...lines.map((line) => `complete -C "${line}"`)].join("; ");
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const { stdout, stderr } = Bun.spawnSync(["fish", "--no-config", "-c", script], { env });
  expect(stderr.toString()).toBe("");
  const words = stdout
    .toString()
    .split("\n")
    .map((line) => line.split("\t")[0]);
  expect(words.filter(Boolean)).toEqual(["health", "revoke", "--changed", "download"]);
});
