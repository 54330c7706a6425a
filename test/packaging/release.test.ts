import { beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as CycloneDX from "@cyclonedx/cyclonedx-library";
import { which } from "bun";
import { compile, type Prepared, prepare } from "../../ops/build.ts";
import { sbomText } from "../../ops/release/sbom.ts";
import { versionOf } from "../../ops/release/version.ts";
import { builtExecutable } from "../support/executable.ts";
import { temporaryFolder } from "../support/folder.ts";
import { run } from "../support/run.ts";

const root = join(import.meta.dir, "../..");
const built = await builtExecutable();
const libraries = "/usr/aarch64-linux-gnu";
const isArm = process.arch === "arm64";
const emulator = isArm ? "" : which("qemu-aarch64");
const canRunArm = isArm || (emulator !== null && existsSync(`${libraries}/lib/libstdc++.so.6`));
const noArm = canRunArm ? "" : " (skipped: no qemu-aarch64 here, or no arm64 libraries for it)";

/** Licences under which a work may be carried in an executable as long as their text goes along; MPL of what is not changed. */
const allowed = ["MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Apache-2.0", "0BSD", "OFL-1.1", "MPL-2.0"];

let prepared: Prepared;
let folder = "";
const arm = () => join(folder, "first/rt-data-linux-arm64");

beforeAll(async () => {
  folder = temporaryFolder();
  prepared = await prepare();
  await compile(arm(), "linux-arm64", prepared.source);
}, 120_000);

test("two builds of an executable for another machine are the same, byte for byte, and know nothing of where they were built", async () => {
  const second = join(folder, "second/of-another-name");
  await prepare();
  await compile(second, "linux-arm64", prepared.source);
  const [a, b] = [readFileSync(arm()), readFileSync(second)];
  expect(a.length).toBeGreaterThan(80e6);
  expect(a.equals(b)).toBe(true);
  expect(a.includes(root)).toBe(false);
  expect(a.includes(folder)).toBe(false);
}, 60_000);

test.skipIf(!canRunArm)(
  `the arm64 executable runs, and says what it is${noArm}`,
  async () => {
    const program = isArm ? [arm()] : [emulator ?? "", "-L", libraries, arm()];
    const { code, output, errors } = await run(["version"], { program });
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output.split("\n")).toEqual([
      `rt-data ${prepared.source.version}`,
      `commit  ${prepared.source.commit}`,
      expect.stringMatching(/^date {4}\d{4}-\d\d-\d\d$/),
      `bun     ${process.versions.bun}`,
      "target  linux-arm64",
      "",
    ]);
  },
  60_000,
);

test("the bill of materials is valid CycloneDX, and names what is bundled with version, checksum and licence", async () => {
  const text = sbomText(prepared.source, prepared.packages);
  const validator = new CycloneDX.Validation.JsonStrictValidator(CycloneDX.Spec.Version.v1dot6);
  expect(await validator.validate(text)).toBeNull();
  expect(await validator.validate(text.replace('"library"', '"book"'))).not.toBeNull();

  const { components, dependencies, metadata } = JSON.parse(text);
  expect(metadata.component.version).toBe(prepared.source.version);
  const names = components.map(({ group, name }: { group?: string; name: string }) =>
    group ? `${group}/${name}` : name,
  );
  for (const name of ["bun", "elysia", "@elysiajs/static", "@bokuweb/zstd-wasm", "preact", "smol-toml"])
    expect(names).toContain(name);
  for (const name of ["typescript", "vite", "@binance/spot", "playwright-core"]) expect(names).not.toContain(name);
  for (const { name, licenses, hashes } of components) {
    expect([name, licenses.length]).toEqual([name, 1]);
    if (name !== "bun") expect([name, hashes[0].content]).toEqual([name, expect.stringMatching(/^[0-9a-f]{128}$/)]);
  }
  const refs = new Set(components.map((one: { "bom-ref": string }) => one["bom-ref"]));
  for (const { dependsOn } of dependencies)
    for (const ref of dependsOn) expect([ref, refs.has(ref)]).toEqual([ref, true]);
  expect(sbomText(prepared.source, prepared.packages)).toBe(text);
});

test("the executable prints the licences of everything in it, and what it was built of", async () => {
  const { code, output } = await run(["version", "--licenses"], { program: [built] });
  expect(code).toBe(0);
  for (const { name, version, license, texts } of prepared.packages) {
    expect(output).toContain(`${name} ${version} (${license})`);
    for (const text of texts) expect(output).toContain(text);
    const strange = license.split(" AND ").filter((one) => !allowed.includes(one));
    expect([name, strange]).toEqual([name, []]);
  }
  expect(output).toContain(readFileSync(join(root, "LICENSE"), "utf8").trim());
  const json = JSON.parse((await run(["version", "--json"], { program: [built] })).output);
  expect(json).toMatchObject({ bun: process.versions.bun, target: `linux-${process.arch}` });
  expect((await run(["--version"], { program: [built] })).output).toBe(`rt-data ${json.version}\n`);
});

test("from a checkout the package's version is told", async () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect((await run(["version"], { program: [process.execPath, join(root, "server/main.ts")] })).output).toStartWith(
    `rt-data ${version}\ncommit  source\n`,
  );
});

test("a version is the tag's, or says how far it is from it", () => {
  const commit = "1a2b3c4d5e6f7890";
  expect(versionOf("v0.2.0-0-g1a2b3c4", commit, false)).toBe("0.2.0");
  expect(versionOf("v0.2.0-12-g1a2b3c4", commit, false)).toBe("0.2.0+12.g1a2b3c4");
  expect(versionOf("v1.0.0-rc.1-0-g1a2b3c4", commit, true)).toBe("1.0.0-rc.1+dirty");
  expect(versionOf(null, commit, false)).toBe("0.1.0+g1a2b3c4");
  expect(versionOf(null, commit, true)).toBe("0.1.0+g1a2b3c4.dirty");
});

test("the changelog has the form of Keep a Changelog, and tells of this version", () => {
  const text = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  const heads = [...text.matchAll(/^## (.*)$/gm)].map(([, head]) => head ?? "");
  expect(heads[0]).toBe("[Unreleased]");
  for (const head of heads.slice(1)) expect(head).toMatch(/^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(heads.some((head) => head.startsWith(`[${version}]`))).toBe(true);
  for (const [, kind] of text.matchAll(/^### (.*)$/gm))
    expect(["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]).toContain(kind ?? "");
});
