import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A package of somebody else whose code is in the executable. */
export type BundledPackage = {
  readonly name: string;
  readonly version: string;
  /** As its package.json says it: an SPDX expression. */
  readonly license: string;
  /** The texts of its licence files. */
  readonly texts: readonly string[];
  /** `sha512-…`, of the package as the registry has it. */
  readonly integrity: string | null;
  /** Names of bundled packages that it needs. */
  readonly dependencies: readonly string[];
};

/** The packages that these modules (paths, absolute or from `root`) belong to, by name. @throws if a package has no licence */
export function bundledPackages(root: string, modules: readonly string[]): readonly BundledPackage[] {
  const integrities = readIntegrities(root);
  const folders = new Set<string>();
  for (const path of modules) {
    const [folder] = /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path.replace(/^\0/, "")) ?? [];
    if (folder !== undefined) folders.add(folder.startsWith("/") ? folder : join(root, folder));
  }
  const manifests = [...folders].map((folder) => ({ folder, ...readManifest(folder) }));
  const names = new Set(manifests.map(({ name }) => name));
  const packages = manifests.map(({ folder, name, version, license, dependencies, peerDependencies }) => {
    if (typeof license !== "string") throw new Error(`${name}@${version} does not say its licence; look at ${folder}`);
    const needed = Object.keys({ ...dependencies, ...peerDependencies }).filter((one) => names.has(one));
    const integrity = integrities.get(`${name}@${version}`) ?? null;
    return { name, version, license, texts: licenseTexts(folder), integrity, dependencies: needed.sort() };
  });
  return packages.sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

type PackageManifest = {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};

function readManifest(folder: string): PackageManifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageManifest;
}

function licenseTexts(folder: string): readonly string[] {
  const files = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  return files.sort().map((name) => readFileSync(join(folder, name), "utf8").replaceAll("\r\n", "\n").trim());
}

/** By `name@version`. */
function readIntegrities(root: string): Map<string, string> {
  const lock = Bun.JSONC.parse(readFileSync(join(root, "bun.lock"), "utf8")) as {
    readonly packages: Readonly<Record<string, readonly unknown[]>>;
  };
  return new Map(
    Object.values(lock.packages).flatMap(([id, , , integrity]) =>
      typeof id === "string" && typeof integrity === "string" ? [[id, integrity] as const] : [],
    ),
  );
}
