import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Glob, Transpiler } from "bun";
import { root, serverFiles, webFiles } from "./graph.ts";
import { findHabits } from "./prose.ts";

/** No folder holds more files than this. Documentation does not count, and test/fixtures holds data. */
const mostFilesInAFolder = 15;

/** Limits of the habits that `prose.ts` counts. Lower a limit when its count falls, never raise it. */
const mostHabits: Readonly<Record<string, number>> = {
  "what is/was/has as a noun": 62,
  "one/ones as a pronoun": 57,
  "nobody/nothing/none": 161,
  "where for if": 10,
  "a fronted of": 0,
  "but for, anew, so many, told of, put right": 13,
};

const rules: readonly [rule: string, pattern: RegExp, allowed: (file: string) => boolean][] = [
  [
    "the environment is read in config.ts and environment.ts alone",
    /process\.env|Bun\.env|import\.meta\.env/,
    (file) => file === "server/config/config.ts" || file === "server/platform/process/environment.ts",
  ],
  ["only main.ts ends the process or listens to it", /process\.(exit|on)\b/, (file) => file === "server/main.ts"],
  [
    "SQL is spoken in catalogue/ alone",
    /bun:sqlite|\bselect .* from |insert into /i,
    (file) => file.startsWith("server/catalogue/"),
  ],
  [
    "files are reached through platform/files alone, which the simulator replaces",
    /["']node:fs(\/promises)?["']/,
    (file) => file.startsWith("server/simulator/") || file === "server/platform/files/files.ts",
  ],
  ["there are no default exports and no enums", /^export default|^(export )?(const )?enum /m, () => false],
  [
    "no file is a drawer for everything",
    /./,
    (file) => !/(^|\/)(utils?|helpers?|common|shared|manager|service|base)\.ts$/.test(file),
  ],
];

for (const [rule, pattern, allowed] of rules) {
  test(rule, () => {
    const transpiler = new Transpiler({ loader: "ts" });
    const guilty = serverFiles.filter((file) => {
      if (allowed(file)) return false;
      const source = readFileSync(join(root, file), "utf8");
      // Comments may speak of things that code may not do.
      return pattern.test(rule.startsWith("there are no") ? source : transpiler.transformSync(source));
    });
    expect(guilty).toEqual([]);
  });
}

test("no source file is longer than 250 lines", () => {
  const long = [...serverFiles, ...webFiles].filter(
    (file) => readFileSync(join(root, file), "utf8").split("\n").length > 251,
  );
  expect(long).toEqual([]);
});

test("no folder holds more than 15 files, and the root of server/ at most three", () => {
  const folders = [...new Glob("{server,web,test,ops}/**/*").scanSync({ cwd: root, onlyFiles: true })]
    .filter((file) => !/^web\/dist\/|^test\/(fixtures|\.tmp)\/|\.md$/.test(file))
    .map((file) => file.slice(0, file.lastIndexOf("/")));
  const counts = Map.groupBy(folders, (folder) => folder);
  const full = [...counts].filter(([, files]) => files.length > mostFilesInAFolder).map(([folder]) => folder);
  expect(full).toEqual([]);
  const atRoot = readdirSync(join(root, "server"), { withFileTypes: true }).filter((entry) => entry.isFile());
  expect(atRoot.length).toBeLessThanOrEqual(3);
});

test("no file name stands three times in server/", () => {
  const names = Map.groupBy(serverFiles, (file) => basename(file));
  const thrice = [...names].filter(([, files]) => files.length >= 3).map(([, files]) => files);
  expect(thrice).toEqual([]);
});

test("habits of writing do not come back (`bun test/house/prose.ts --list` shows each place)", () => {
  const counts = new Map<string, number>();
  for (const { habit } of findHabits()) counts.set(habit, (counts.get(habit) ?? 0) + 1);
  const grown = Object.entries(mostHabits).flatMap(([habit, most]) => {
    const count = counts.get(habit) ?? 0;
    return count > most ? [`${habit}: ${count}, at most ${most}`] : [];
  });
  expect(grown).toEqual([]);
  expect([...counts.keys()].filter((habit) => mostHabits[habit] === undefined)).toEqual([]);
});
