import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { loadConfig } from "../../server/config/config.ts";
import { gapCauses } from "../../server/domain/gap.ts";
import { ruleFacts } from "../../server/domain/incidents/incident-rules.ts";
import { menuCommands } from "../../server/telegram/bot/bot-commands.ts";
import { root, serverFiles } from "../house/graph.ts";
import { unknownCalls } from "../support/docs/calls.ts";
import { serve } from "../support/http/serving.ts";
import { run } from "../support/run.ts";

const folder = join(root, "ops/docs");
const read = (page: string) => readFileSync(join(folder, page), "utf8");
const pages = readdirSync(folder).filter((page) => page.endsWith(".md") && !page.endsWith(".ko.md"));
/** The README's Korean page lies among the others. */
const english = ["../../README.md", ...pages];
const languages = ["", ".ko"];

const codeOf = (text: string) =>
  [...text.matchAll(/^```(?:sh|sql|python|js|toml)\n.*?^```|^ {4}\S[^\n]*$/gms)].map(([block]) => block);

for (const page of english) {
  describe(`ops/docs/${page} in Korean`, () => {
    const korean = basename(page).replace(/\.md$/, ".ko.md");

    test("has the sections, table rows and code of the English page", () => {
      const [en, ko] = [read(page), read(korean)];
      for (const kind of [/^#+ /gm, /^\| /gm, /^(?:- |\d+\. )/gm])
        expect([kind, ko.match(kind)?.length]).toEqual([kind, en.match(kind)?.length]);
      const withoutComments = (text: string) =>
        codeOf(text).map((block) => block.replaceAll(/\s*(?:#|--) .*| {4,}\S.*$/gm, ""));
      expect(withoutComments(ko)).toEqual(withoutComments(en));
    });

    test.each([page, korean])("%s calls only what the program knows: every command and flag", async (name) => {
      expect(await unknownCalls(read(name))).toEqual([]);
    });

    test("is linked from the English page, and back", () => {
      expect([read(page).includes(`${korean})`), read(korean).includes(`(${page})`)]).toEqual([true, true]);
    });
  });
}

describe.each(languages)("the reference%s names", (language) => {
  const page = (name: string) => read(`${name}${language}.md`);
  const missing = (text: string, names: readonly string[]) => names.filter((name) => !text.includes(name));

  test("every command", async () => {
    const { output } = await run(["--help"]);
    const names = [...output.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name]) => `\`${name}\``);
    expect(names.length).toBeGreaterThan(10);
    expect(missing(page("commands"), names)).toEqual([]);
  });

  test("every section of the configuration", () => {
    const loaded = loadConfig(null, {}, {});
    const sections = loaded.ok
      ? Object.keys(loaded.config).filter((name) => !["host", "file", "warnings"].includes(name))
      : [];
    expect(sections).toContain("record");
    const names = sections.map((name) => `\`[${name}]\``);
    expect(missing(page("configuration"), names)).toEqual([]);
  });

  test("every cause of a gap", () => {
    const names = gapCauses.map((cause) => `| \`${cause}\``);
    expect(missing(page("continuity"), names)).toEqual([]);
  });

  test("every rule of incidents", () => {
    const names = Object.keys(ruleFacts).map((rule) => `| \`${rule}\``);
    expect(missing(page("monitoring"), names)).toEqual([]);
  });

  test("every command of the bot", () => {
    const names = menuCommands.map(({ name }) => `\`/${name}`);
    expect(missing(page("telegram"), names)).toEqual([]);
  });

  test("every route of the API, and none that is not there", async () => {
    const served = await serve();
    const { paths } = (await (await fetch(`${served.url}/openapi`)).json()) as { paths: Record<string, unknown> };
    const text = page("api")
      .replaceAll("/depth20/BTCUSDT/2026-11-21", "/{stream}/{symbol}/{date}")
      .replaceAll("/2026-11-21", "/{date}");
    const described = text
      .replaceAll("/BTCUSDT", "/{symbol}")
      .replaceAll(/\/(?:12|3)\b/g, "/{id}")
      .matchAll(/(\/(?:api|health|state|metrics|tardis)[\w/{}-]*)/g);
    const names = [...new Set([...described].map(([, path = ""]) => path.replace(/\/$/, "")))];
    expect(names.sort()).toEqual(Object.keys(paths).sort());
    await served.close();
  });

  test("only metrics that there are", () => {
    const sources = serverFiles
      .filter((file) => file.startsWith("server/metrics/"))
      .map((file) => readFileSync(join(root, file), "utf8"));
    const table = /## Prometheus.*?(?=\n## )/s.exec(page("monitoring"))?.[0] ?? "";
    const names = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`(\w+?)(?:_total)?`/g)].map(([, name = ""]) => name),
    );
    expect(names.length).toBeGreaterThan(10);
    const known = (name: string) =>
      sources.some((source) => source.includes(`"rt_data_${name}"`) || source.includes(`"${name}"`));
    expect(names.filter((name) => !known(name))).toEqual([]);
  });
});
