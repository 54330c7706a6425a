import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { circleIn, type Import, importsOf, roomOf, root, serverFiles, webFiles } from "./graph.ts";

/** The layers of server/, lowest first. A room imports rooms of lower layers and itself; rooms of one layer never import each other. */
const serverLayers: readonly (readonly string[])[] = [
  ["platform"],
  ["domain"],
  ["storage", "config", "text"],
  [
    ...["archive", "binance", "catalogue", "dataset", "export", "http", "journal", "metrics", "monitor", "notify"],
    ...["official", "recorder", "simulator", "telegram", "upload"],
  ],
  ["upgrade"],
  // The workers' entry points, which Bun's compiler wants directly in server/.
  ["workers.ts"],
  ["app"],
  ["cli"],
  ["main.ts"],
];

/** The layers of web/src/, lowest first; views and components know each other by their props alone. */
const webLayers: readonly (readonly string[])[] = [
  ["browser"],
  ["words"],
  ["present"],
  ["api"],
  ["state"],
  ["components"],
  ["views"],
  ["app.tsx"],
  ["main.tsx"],
];

/** Rooms of the server whose values the page may use: they know no Node API. Types it may take from everywhere. */
const sharedWithPage = ["domain", "text"];

function wrongArrows(imports: readonly Import[], layers: readonly (readonly string[])[], top: string): string[] {
  const rank = new Map(layers.flatMap((rooms, layer) => rooms.map((room) => [room, layer] as const)));
  const layerOf = (file: string) => rank.get(roomOf(file, top)) ?? Number.NaN;
  return imports
    .filter(({ from, to }) => roomOf(from, top) !== roomOf(to, top) && !(layerOf(from) > layerOf(to)))
    .map(({ from, to }) => `${from} → ${to}`);
}

const serverImports = serverFiles.flatMap(importsOf).filter(({ to }) => to.startsWith("server/"));
const webImports = webFiles.flatMap(importsOf);

test("a room of server/ imports lower layers and itself, never a room of its own layer", () => {
  expect(wrongArrows(serverImports, serverLayers, "server")).toEqual([]);
});

test("a room of web/src/ imports lower layers and itself", () => {
  const own = webImports.filter(({ to }) => to.startsWith("web/src/") && !to.endsWith(".css"));
  expect(wrongArrows(own, webLayers, "web/src")).toEqual([]);
});

test("the page takes types from the server, and values from the rooms without a Node API only", () => {
  const wrong = webImports.filter(
    ({ to, typeOnly }) => to.startsWith("server/") && !typeOnly && !sharedWithPage.includes(roomOf(to, "server")),
  );
  expect(wrong).toEqual([]);
});

test("there is no circle of imports, not even of types", () => {
  expect(circleIn([...serverFiles, ...webFiles])).toBeNull();
});

test("every worker that server/workers.ts starts is an entry point of the executable", () => {
  const read = (file: string) => readFileSync(join(root, file), "utf8");
  const started = [...read("server/workers.ts").matchAll(/"\.\/([\w/-]+)\.worker\.ts"/g)].map(([, name = ""]) => name);
  const built = read("ops/build.ts");
  expect(started.length).toBeGreaterThan(5);
  expect(started.filter((name) => !built.includes(`"${name}"`))).toEqual([]);
});
