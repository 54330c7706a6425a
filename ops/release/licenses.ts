import type { BundledPackage } from "./bundled.ts";

/** The licences of everything that the executable is made of, for people: ours, Bun's, and those of the bundled packages. */
export function licensesText(packages: readonly BundledPackage[], own: string): string {
  const rule = "-".repeat(80);
  return [
    "RT-Data",
    "",
    own.trim(),
    "",
    "The executable contains the following works of others.",
    "",
    rule,
    `Bun ${process.versions.bun} (MIT), https://github.com/oven-sh/bun`,
    "",
    "It is linked with JavaScriptCore (WebKit, LGPL-2.1), BoringSSL, zlib, zstd, SQLite and others; which, and under which",
    `licences, is told at https://github.com/oven-sh/bun/blob/bun-v${process.versions.bun}/LICENSE.md`,
    ...packages.flatMap(({ name, version, license, texts }) => [
      "",
      rule,
      `${name} ${version} (${license}), https://www.npmjs.com/package/${name}/v/${version}`,
      "",
      ...(texts.length === 0 ? ["The package has no licence file of its own."] : [texts.join("\n\n")]),
    ]),
    "",
  ].join("\n");
}
