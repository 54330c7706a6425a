import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "../house/graph.ts";
import { calls, unknownCalls } from "../support/docs/calls.ts";

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
