import type { BundledPackage } from "./bundled.ts";
import type { SourceVersion } from "./version.ts";

/**
 * The software bill of materials of the executables as CycloneDX 1.6 JSON: the bundled packages of the registry, each with
 * its checksum and licence, and the runtime. The same source makes the same text.
 */
export function sbomText(source: SourceVersion, packages: readonly BundledPackage[]): string {
  const own = `rt-data@${source.version}`;
  const runtime = `pkg:npm/bun@${process.versions.bun}`;
  const references = new Map(packages.map(({ name, version }) => [name, purlOf(name, version)]));
  const needed = new Set(packages.flatMap(({ dependencies }) => dependencies));
  const bom = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(`${own} ${source.commit}`)}`,
    version: 1,
    metadata: {
      timestamp: new Date(source.committedAt * 1000).toISOString(),
      component: {
        ...{ type: "application", "bom-ref": own, name: "rt-data", version: source.version },
        licenses: [{ license: { id: "MIT" } }],
        properties: [{ name: "rt-data:commit", value: source.commit }],
      },
    },
    components: [
      {
        ...{ type: "platform", "bom-ref": runtime, name: "bun", version: process.versions.bun, purl: runtime },
        description: "JavaScript runtime, the body of the executable",
        licenses: [{ license: { id: "MIT" } }],
      },
      ...packages.map(componentOf),
    ],
    dependencies: [
      {
        ref: own,
        dependsOn: [runtime, ...[...references].filter(([name]) => !needed.has(name)).map(([, purl]) => purl)],
      },
      { ref: runtime, dependsOn: [] },
      ...packages.map(({ name, version, dependencies }) => ({
        ref: purlOf(name, version),
        dependsOn: dependencies.map((one) => references.get(one) ?? ""),
      })),
    ],
  };
  return `${JSON.stringify(bom, null, 2)}\n`;
}

function componentOf({ name, version, license, integrity }: BundledPackage) {
  const [, group, short = name] = /^(?:(@[^/]+)\/)?(.+)$/.exec(name) ?? [];
  const purl = purlOf(name, version);
  const isExpression = /[ ()]/.test(license);
  return {
    ...{ type: "library", "bom-ref": purl, ...(group === undefined ? {} : { group }), name: short, version, purl },
    licenses: [isExpression ? { expression: license } : { license: { id: license } }],
    ...(integrity === null ? {} : { hashes: [hashOf(integrity)] }),
  };
}

/** Package URL; the scope's `@` is escaped, the slash is not. */
function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version.replaceAll("+", "%2B")}`;
}

function hashOf(integrity: string): { alg: string; content: string } {
  const [algorithm = "", base64 = ""] = integrity.split(/-(.*)/s);
  return { alg: algorithm.replace("sha", "SHA-"), content: Buffer.from(base64, "base64").toString("hex") };
}

/** A name-based UUID (version 5 by its form), so that the same release always has the same. */
function uuidOf(name: string): string {
  const hex = new Bun.CryptoHasher("sha1").update(name).digest("hex");
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `${variant}${hex.slice(18, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
