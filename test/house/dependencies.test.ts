import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dir, "../..");

type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly license?: string | { readonly type: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};

/** Packages in the executable: the installed dependencies and theirs, without packages for types and builds. */
function runtimePackages(): Manifest[] {
  const found = new Map<string, Manifest>();
  const visit = (name: string, from: string) => {
    const folder = folderOf(name, from);
    if (folder === null || found.has(folder)) return;
    const manifest = read(join(folder, "package.json"));
    found.set(folder, manifest);
    for (const next of Object.keys(manifest.dependencies ?? {})) visit(next, folder);
  };
  for (const name of Object.keys(read(join(root, "package.json")).dependencies ?? {})) visit(name, root);
  return [...found.values()];
}

function folderOf(name: string, from: string): string | null {
  const folder = join(from, "node_modules", name);
  if (existsSync(folder)) return folder;
  return from === dirname(from) ? null : folderOf(name, dirname(from));
}

function read(path: string): Manifest {
  return JSON.parse(readFileSync(path, "utf8"));
}

const audited = Bun.spawnSync([process.execPath, "audit", "--json"], { cwd: root, timeout: 20_000 });
const answered = audited.stdout.toString().trim().startsWith("{");
const notAudited = answered ? "" : " (skipped: the registry in use answers no audits)";

test.skipIf(!answered)(`no dependency has a known vulnerability${notAudited}`, () => {
  const advisories = JSON.parse(audited.stdout.toString()) as Record<string, { severity: string; title: string }[]>;
  const inUse = new Set(runtimePackages().map(({ name }) => name));
  const serious = Object.entries(advisories).flatMap(([name, list]) =>
    list
      .filter(({ severity }) => inUse.has(name) || severity === "high" || severity === "critical")
      .map(({ title, severity }) => `${name}: ${title} (${severity})`),
  );
  expect(serious).toEqual([]);
});

const permissive = [
  ...["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "BlueOak-1.0.0", "CC0-1.0", "Unlicense"],
  // For fonts: free to bundle, not to sell alone.
  "OFL-1.1",
];
/** Free to give on as they are, with a word about where their source is; only changes to them would have to be published. */
const unchanged: Readonly<Record<string, string>> = { "@resvg/resvg-wasm": "MPL-2.0" };

test("every package in the executable may be used and redistributed", () => {
  const packages = runtimePackages();
  expect(packages.length).toBeGreaterThan(8);
  const others = packages.filter(({ name, license }) => {
    if (unchanged[name] === license) return false;
    const names = (typeof license === "string" ? license : (license?.type ?? "none"))
      .replace(/[()]/g, "")
      .split(" OR ");
    return !names.some((one) => one.split(" AND ").every((part) => permissive.includes(part)));
  });
  expect(others.map(({ name, version, license }) => `${name} ${version}: ${JSON.stringify(license)}`)).toEqual([]);
});

test("every direct dependency is pinned to one version", () => {
  const { dependencies, devDependencies } = read(join(root, "package.json")) as Manifest & {
    devDependencies: Record<string, string>;
  };
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(([, version]) => !/^\d/.test(version));
  expect(loose).toEqual([]);
});
