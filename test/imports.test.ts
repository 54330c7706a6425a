import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Glob, Transpiler } from "bun";

const root = join(import.meta.dir, "..");
const server = [...new Glob("server/**/*.ts").scanSync(root)].sort();
const web = [...new Glob("web/**/*.{ts,tsx}").scanSync(root)].filter((file) => !file.includes("/dist/"));
/** What connects the parts: it alone may import them all. */
const wiring = ["app", "commands"];
/** Knows no market; everybody may import it, and it imports only itself. */
const platform = "platform";
const isRootOfWiring = (file: string) => file === "server/main.ts" || file === "server/workers.ts";

type Import = { from: string; to: string; typeOnly: boolean };

/** Relative imports of a file, as paths from the top; type imports included. */
function importsOf(file: string): Import[] {
  const source = readFileSync(join(root, file), "utf8");
  const statements = source.matchAll(
    /^(?:import|export)\s+(type\s)?[^;]*?from\s+"(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gms,
  );
  return [...statements].map(([, type, from, dynamic]) => ({
    from: file,
    to: relative(root, join(root, dirname(file), from ?? dynamic ?? "")),
    typeOnly: type !== undefined,
  }));
}

function folderOf(file: string): string {
  const parts = file.split("/");
  return parts.length > 2 ? (parts[1] ?? "") : "";
}

const all = server.flatMap(importsOf).filter(({ to }) => to.startsWith("server/"));

test("a folder of server/ imports its own files and the nouns at the root, never a sibling folder", () => {
  const strangers = all.filter(({ from, to }) => {
    const [own, other] = [folderOf(from), folderOf(to)];
    return own !== "" && !wiring.includes(own) && other !== "" && other !== own && other !== platform;
  });
  expect(strangers).toEqual([]);
});

test("platform/ imports only itself", () => {
  expect(all.filter(({ from, to }) => folderOf(from) === platform && folderOf(to) !== platform)).toEqual([]);
});

test("app/ knows no command", () => {
  expect(all.filter(({ from, to }) => folderOf(from) === "app" && folderOf(to) === "commands")).toEqual([]);
});

test("the nouns at the root of server/ import only each other; app/, commands/ and main wire", () => {
  const wrong = all.filter(
    ({ from, to }) =>
      folderOf(from) === "" &&
      !isRootOfWiring(from) &&
      ((folderOf(to) !== "" && folderOf(to) !== platform) || isRootOfWiring(to)),
  );
  expect(wrong).toEqual([]);
});

test("there is no import cycle, not even of types", () => {
  const graph = new Map(server.map((file) => [file, importsOf(file).map(({ to }) => to)]));
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) throw new Error(`cycle: ${[...path.slice(path.indexOf(file)), file].join(" → ")}`);
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of server) visit(file, []);
  expect(done.size).toBeGreaterThanOrEqual(server.length);
});

test("the page takes types only from the server", () => {
  const values = web.flatMap(importsOf).filter(({ to, typeOnly }) => to.startsWith("server/") && !typeOnly);
  expect(values).toEqual([]);
});

const rules: readonly [rule: string, pattern: RegExp, allowed: (file: string) => boolean][] = [
  [
    "the environment is read in config.ts and environment.ts alone",
    /process\.env|Bun\.env|import\.meta\.env/,
    (file) => file === "server/config.ts" || file === "server/environment.ts",
  ],
  ["only main.ts ends the process or listens to it", /process\.(exit|on)\b/, (file) => file === "server/main.ts"],
  [
    "SQL is spoken in catalogue/ alone",
    /bun:sqlite|\bselect .* from |insert into /i,
    (file) => file.startsWith("server/catalogue/"),
  ],
  [
    "files are reached through platform/files.ts alone, which the simulator replaces",
    /["']node:fs(\/promises)?["']/,
    (file) => file.startsWith("server/exchange/") || file === "server/platform/files.ts",
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
    const guilty = server.filter((file) => {
      if (allowed(file)) return false;
      const source = readFileSync(join(root, file), "utf8");
      // Without comments, which may speak of what code may not do.
      return pattern.test(rule.startsWith("there are no") ? source : transpiler.transformSync(source));
    });
    expect(guilty).toEqual([]);
  });
}

test("no file of the house is longer than 250 lines", () => {
  const long = [...server, ...web].filter((file) => readFileSync(join(root, file), "utf8").split("\n").length > 251);
  expect(long).toEqual([]);
});
