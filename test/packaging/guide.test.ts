import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../server/config/config.ts";
import { blocks, calls, quoted, unknownCalls } from "../support/docs/calls.ts";
import { temporaryFolder } from "../support/folder.ts";
import { run } from "../support/run.ts";

const root = join(import.meta.dir, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const guides = { en: read("ops/guide.md"), ko: read("ops/guide.ko.md") };

test("both languages have the same commands and the same settings, except the language", () => {
  expect(blocks(guides.ko, "sh")).toEqual(blocks(guides.en, "sh"));
  const settings = blocks(guides.ko, "toml").map((block) => block.replace('language = "ko"', 'language = "en"'));
  expect(settings).toEqual(blocks(guides.en, "toml"));
  const commands = (text: string) =>
    quoted(text).filter((words) => /^(sudo|curl|journalctl|ssh|rt-data|getent) /.test(words));
  expect(commands(guides.ko).filter((words) => !words.includes("--lang"))).toEqual(
    commands(guides.en).filter((words) => words !== "rt-data ops guide"),
  );
  for (const kind of [/^## /gm, /^\| /gm])
    expect(guides.ko.match(kind)).toHaveLength(guides.en.match(kind)?.length ?? 0);
});

describe.each(Object.entries(guides))("the guide in %s", (_, text) => {
  test("has commands that a shell understands and shellcheck accepts", () => {
    const folder = temporaryFolder();
    const found = blocks(text, "sh");
    expect(found.length).toBeGreaterThan(10);
    for (const [n, block] of found.entries()) {
      const file = join(folder, `${n}.sh`);
      writeFileSync(file, block);
      for (const words of [
        ["bash", "-n", file],
        ["shellcheck", "-s", "bash", file],
      ]) {
        if (Bun.which(words[0] ?? "") === null) continue;
        const ran = Bun.spawnSync(words, { stdout: "pipe", stderr: "pipe" });
        expect({ code: ran.exitCode, told: ran.stdout.toString() + ran.stderr.toString() }).toEqual({
          code: 0,
          told: "",
        });
      }
    }
  });

  test("calls only what the program knows: every command, topic and flag", async () => {
    expect(calls(text).length).toBeGreaterThan(15);
    expect(await unknownCalls(text)).toEqual([]);
  });

  test("has settings that are accepted, and names files that the service reads", async () => {
    const file = join(temporaryFolder(), "rt-data.toml");
    writeFileSync(
      file,
      blocks(text, "toml").join("\n").replace("[upload]", '[upload]\naccess_key = "a"\nsecret_key = "s"'),
    );
    expect(loadConfig(file, {}, {})).toMatchObject({ ok: true });
    const unit = (await run(["ops", "systemd"])).output;
    const credentials = [...text.matchAll(/\/etc\/rt-data\/credentials\/(\w+)/g)].map(([, name]) => name);
    expect(credentials.length).toBeGreaterThanOrEqual(5);
    for (const name of credentials) expect(unit).toContain(`LoadCredential=${name}:`);
    for (const verb of text.matchAll(/rt-data-install (\w+)/g))
      expect(read("ops/install.sh")).toContain(`\n    ${verb[1]}) `);
  });

  test("has no dead links, and quotes only words that the program prints", () => {
    for (const [, link = ""] of text.matchAll(/\]\((?!http)([^)#]+)/g)) expect(read(join("ops", link))).not.toBe("");
    const program = [
      "server/cli/check/check-services.ts",
      "server/cli/check/check.ts",
      "ops/install.sh",
      "server/storage/lock/data-folder.ts",
    ]
      .map(read)
      .join("\n");
    for (const said of [
      "list, store, read and delete work",
      "no check failed",
      "it records",
      "cannot use the data folder",
    ]) {
      expect(text).toContain(said);
      expect(program).toContain(said);
    }
  });
});

test("the program prints the guide in both languages, with one's own name and port in it", async () => {
  const env = { RT_DATA_HTTP_PUBLIC_URL: "https://btc.example.net", RT_DATA_HTTP_PORT: "9000" };
  for (const [lang, text] of Object.entries(guides)) {
    const { output } = await run(["ops", "guide", "--lang", lang], { env });
    expect(output).toContain("getent ahostsv4 btc.example.net");
    expect(output).toContain("http://127.0.0.1:9000/dashboard");
    expect(output).not.toContain("data.example.org");
    expect((await run(["ops", "guide", "--lang", lang])).output.trim()).toBe(text.trim());
  }
});

test("README leads Korean readers to the Korean README and guide before anything else", () => {
  const [, first = ""] = read("README.md").split("\n\n");
  expect(first).toMatch(/[가-힣]/);
  expect(first).toContain("(ops/docs/README.ko.md)");
  expect(first).toContain("(ops/guide.ko.md)");
});
