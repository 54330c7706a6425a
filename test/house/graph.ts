import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Glob } from "bun";

/** The top of the repository. */
export const root = join(import.meta.dir, "../..");

/** Source files of server/ and web/, as paths from the top. */
export const serverFiles: readonly string[] = [...new Glob("server/**/*.ts").scanSync(root)].sort();
export const webFiles: readonly string[] = [...new Glob("web/**/*.{ts,tsx}").scanSync(root)]
  .filter((file) => !file.includes("/dist/"))
  .sort();

/** One import between two files, as paths from the top. */
export type Import = { readonly from: string; readonly to: string; readonly typeOnly: boolean };

/** Relative imports of a file, type imports and re-exports included. */
export function importsOf(file: string): Import[] {
  const source = readFileSync(join(root, file), "utf8");
  const statements = source.matchAll(
    /^(?:import|export)\s+(type\s)?[^;]*?from\s+"(\.[^"]+)"|\bimport\("(\.[^"]+)"\)|^import\s+"(\.[^"]+)"/gms,
  );
  return [...statements].map(([, type, from, dynamic, effect]) => ({
    from: file,
    to: relative(root, join(root, dirname(file), from ?? dynamic ?? effect ?? "")),
    typeOnly: type !== undefined,
  }));
}

/** The room of a file: the folder directly below `top`, or the file's own name if it lies there itself. */
export function roomOf(file: string, top: string): string {
  return file.slice(top.length + 1).split("/")[0] ?? "";
}

/** A circle of imports as `a → b → a`; null without circle. */
export function circleIn(files: readonly string[]): string | null {
  const graph = new Map(files.map((file) => [file, importsOf(file).map(({ to }) => to)]));
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(" → ");
    if (done.has(file)) return null;
    for (const next of graph.get(file) ?? []) {
      const circle = visit(next, [...path, file]);
      if (circle !== null) return circle;
    }
    done.add(file);
    return null;
  };
  for (const file of files) {
    const circle = visit(file, []);
    if (circle !== null) return circle;
  }
  return null;
}

/** The names that several files of server/ export, with those files. */
export function exportedTwice(): readonly string[] {
  const exported = serverFiles.flatMap((file) => {
    const source = readFileSync(join(root, file), "utf8");
    const names = source.matchAll(/^export (?:async )?(?:function\*?|const|type|class|interface) (\w+)/gm);
    return [...names].map(([, name = ""]) => ({ name, file }));
  });
  return [...Map.groupBy(exported, ({ name }) => name)]
    .filter(([, places]) => places.length > 1)
    .map(([name, places]) => `${name}: ${places.map(({ file }) => file).join(", ")}`);
}
