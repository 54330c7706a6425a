import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../../../server/cli/commands.ts";
import type { Flags } from "../../../server/cli/framework/command.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";

/** Runs a command in this process; returns its code and output. */
async function told(name: string, flags: Flags = {}): Promise<{ code: number; output: string }> {
  const lines: string[] = [];
  const terminal = { print: (line: string) => void lines.push(line) };
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const code = await command.run(flags, terminal as unknown as Parameters<typeof command.run>[1]);
  return { code, output: lines.join("\n") };
}

test("config shows each setting with its origin, hides secrets, and names all problems of a wrong config", async () => {
  const folder = temporaryFolder();
  const secret = join(folder, "token");
  writeFileSync(secret, "1:hush-from-a-file\n");
  writeFileSync(join(folder, "rt-data.toml"), '[http]\nport = "many"\n[upload]\nsecret_key = "hush"\n[recrod]\n');
  const env = { RT_DATA_TELEGRAM_TOKEN_FILE: secret, RT_DATA_LOG_LEVEL: "debug", RT_DATA_HTTP_PROT: "hush" };
  const text = await run(["config"], { cwd: folder, env });
  expect(text.code).toBe(2);
  const rows = text.output.split("\n").map((line) => line.split(/ {2,}/));
  const row = (name: string) => rows.find(([first]) => first === name);
  expect(text.output).toStartWith("config file: ./rt-data.toml\n");
  expect(row("http.port")).toEqual(["http.port", "(not accepted)", "file"]);
  expect(row("http.host")).toEqual(["http.host", "127.0.0.1", "default"]);
  expect(row("log.level")).toEqual(["log.level", "debug", "RT_DATA_LOG_LEVEL"]);
  expect(row("upload.secret_key")).toEqual(["upload.secret_key", "(set)", "file"]);
  expect(row("upload.access_key")).toEqual(["upload.access_key", "-", "default"]);
  expect(row("telegram.token")).toEqual(["telegram.token", "(set)", "the file that RT_DATA_TELEGRAM_TOKEN_FILE names"]);
  expect(text.output).toContain("RT_DATA_HTTP_PROT: ignored: unknown variable");
  expect(text.output).toContain("2 problems:");
  expect(text.output).toContain('[recrod]: unknown section (did you mean "record"?)');
  expect(text.output + text.errors).not.toContain("hush");
});

test("config --json carries values by type, and --changed leaves out the defaults", async () => {
  const file = join(temporaryFolder(), "rt-data.toml");
  writeFileSync(
    file,
    '[http]\nport = 9000\npublic = true\n[telegram]\ndigest_time = "07:05"\n[record]\nsymbols = ["a"]\n',
  );
  const { code, output } = await told("config", { config: file, changed: "", json: "" });
  expect(code).toBe(0);
  const given = (key: string, value: unknown) => ({ key, value, source: "file", where: `${file}: ${key}` });
  expect(JSON.parse(output)).toEqual({
    file,
    settings: [
      given("record.symbols", "A"),
      given("http.port", 9000),
      given("http.public", true),
      given("telegram.digest_time", "07:05"),
    ],
    problems: [],
    warnings: [],
  });
  const valid = await told("config", { config: file });
  expect([valid.code, valid.output.includes("problem")]).toEqual([0, false]);
});

test("the manual page names every command, flag, topic and example of the help", async () => {
  const { output } = await told("man");
  const plain = output
    .replaceAll("\\&", "")
    .replaceAll("\\-", "-")
    .replaceAll("\\e", "\\")
    .replaceAll('""', '"')
    .replaceAll(/\\\[u([0-9A-F]+)\]/g, (_, code) => String.fromCodePoint(Number.parseInt(code, 16)));
  for (const { name, flags, topics = [], examples } of commands) {
    expect(plain).toContain(`.Ss rt-data ${name}\n`);
    for (const [flag, { isHidden }] of Object.entries(flags)) if (!isHidden) expect(plain).toContain(`.It Fl -${flag}`);
    for (const [topic] of topics) expect(plain).toMatch(new RegExp(`^\\.It Cm ${topic}( Ar \\w+)?$`, "m"));
    for (const [line] of examples) expect(plain).toContain(line);
  }
  expect(output).not.toContain("take-over");
  expect(output).toMatch(/^[\x20-\x7e\n]+$/);
});

test.skipIf(Bun.which("mandoc") === null)("mandoc finds no fault in the manual page", async () => {
  const file = join(temporaryFolder(), "rt-data.1");
  writeFileSync(file, `${(await told("man")).output}\n`);
  const { stdout, stderr, exitCode } = Bun.spawnSync(["mandoc", "-Tlint", file]);
  expect([exitCode, stdout.toString(), stderr.toString()]).toEqual([0, "", ""]);
});
