/**
 * `bun run release [--check] [--targets=A,B] [--executables] [--url=URL] [--image=NAME]`: the files of a release in dist/release: an executable for each target, the
 * container images and Debian packages, compose.yaml, SBOM, licences, changelog and SHA256SUMS. `--executables` leaves out images and
 * packages: the images need Debian or Ubuntu to be built. `--url` is the address at which
 * they will lie, for install.sh to fetch them from; `--image` the name that the image will have in a registry. `--check` builds all of it a second time from a clean copy of the commit, in another folder and with packages
 * installed again, and fails if a byte differs.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../../package.json" with { type: "json" };
import { composeOf } from "../../server/cli/ops/ops-compose.ts";
import { compile, prepare } from "../build.ts";
import { baseFiles } from "./base.ts";
import { debOf } from "./deb.ts";
import { debTexts, defaultConfig } from "./deb-texts.ts";
import { type Architecture, imageOf, imageTargets, tagOf } from "./image.ts";
import { sbomText } from "./sbom.ts";
import { type SourceVersion, sourceVersion } from "./version.ts";

const root = join(import.meta.dir, "../..");
const folder = join(root, "dist/release");
const sums = join(folder, "SHA256SUMS");
const licenses = join(root, "web/dist/static/licenses.txt");

/** musl is for Alpine, darwin for macOS: reading, replay and demo. Bun 1.4's x64 detects the features of the processor, so x64-baseline differs only by its name. */
const targets = [
  "linux-x64",
  "linux-x64-baseline",
  "linux-arm64",
  "linux-x64-musl",
  "linux-arm64-musl",
  "darwin-arm64",
  "darwin-x64",
];

const { values } = parseArgs({
  options: {
    check: { type: "boolean" },
    executables: { type: "boolean" },
    targets: { type: "string" },
    url: { type: "string" },
    image: { type: "string" },
  },
});
const wanted = values.targets?.split(",") ?? targets;
const unknown = wanted.filter((target) => !targets.includes(target));
if (unknown.length > 0) fail(`unknown target ${unknown.join(", ")}; there are ${targets.join(", ")}`);
if (manifest.packageManager !== `bun@${process.versions.bun}`)
  fail(`this is Bun ${process.versions.bun}; a release is built with ${manifest.packageManager}, as package.json says`);
const { version, commit } = sourceVersion(root);
if (values.check && version.endsWith("dirty"))
  fail("--check compares with a clean copy of the commit; commit the changes first");

console.log(`rt-data ${version} (${commit})`);
await release();
if (values.check) await check();

async function release(): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { source, packages } = await prepare();
  for (const target of wanted) await compile(join(folder, `rt-data-${target}`), target, source);
  if (!values.executables) await buildPackages(source);
  await Bun.write(
    join(folder, "compose.yaml"),
    composeOf(defaultConfig(), `${values.image ?? "rt-data"}:${tagOf(source.version)}`),
  );
  await Bun.write(join(folder, "install.sh"), installScript(values.url ?? ""));
  await Bun.write(join(folder, "rt-data.cdx.json"), sbomText(source, packages));
  copyFileSync(licenses, join(folder, "THIRD-PARTY-LICENSES.txt"));
  copyFileSync(join(root, "CHANGELOG.md"), join(folder, "CHANGELOG.md"));
  const lines: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    const sum = await sha256(join(folder, name));
    lines.push(`${sum}  ${name}\n`);
    console.log(`${sum}  ${(statSync(join(folder, name)).size / 1e6).toFixed(1).padStart(6)} MB  ${name}`);
  }
  await Bun.write(sums, lines.join(""));
}

/** Images and packages hold the executables that were just built, so they are only made for the targets that are. */
async function buildPackages(source: SourceVersion): Promise<void> {
  const texts = debTexts(source, readFileSync(licenses, "utf8"));
  // The package's maintainer is the author of the released commit.
  const { stdout } = Bun.spawnSync(["git", "-C", root, "log", "-1", "--format=%an <%ae>"]);
  const maintainer = stdout.toString().trim() || "RT-Data <root@localhost>";
  for (const architecture of Object.keys(imageTargets) as Architecture[]) {
    const target = imageTargets[architecture];
    if (!wanted.includes(target)) continue;
    const executable = readFileSync(join(folder, `rt-data-${target}`));
    const base = await baseFiles(architecture, join(root, "dist/base"));
    const image = imageOf(executable, base, { architecture, source });
    await Bun.write(join(folder, `rt-data-image-${architecture}.tar`), image);
    const deb = debOf(executable, texts, { architecture, source, maintainer });
    await Bun.write(join(folder, `rt-data-${architecture}.deb`), deb);
  }
}

/** The install script that knows where the files of the release are. */
function installScript(url: string): string {
  if (!/^(https?:\/\/[\w./:%@+~-]+)?$/.test(url)) fail(`--url ${url} is no address of a folder`);
  const script = readFileSync(join(root, "ops/install.sh"), "utf8");
  if (!script.includes("\nfrom=\n")) fail("ops/install.sh no longer has a line for the address of the release");
  return script.replace("\nfrom=\n", `\nfrom=${url}\n`);
}

async function check(): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), "rt-data-release-"));
  try {
    run(["git", "-C", root, "worktree", "add", "--quiet", "--detach", copy, commit]);
    const rest = process.argv.slice(2).filter((word) => word !== "--check");
    run([process.execPath, "install", "--frozen-lockfile", "--silent"], copy);
    run([process.execPath, "ops/release/release.ts", ...rest], copy);
    const [first, second] = await Promise.all(
      [sums, join(copy, "dist/release/SHA256SUMS")].map((path) => Bun.file(path).text()),
    );
    if (first !== second) fail(`two builds of one commit differ:\n${first}\n${second}`);
    console.log("a second build, from a clean copy in another folder, has the same checksums");
  } finally {
    Bun.spawnSync(["git", "-C", root, "worktree", "remove", "--force", copy]);
    rmSync(copy, { recursive: true, force: true });
  }
}

async function sha256(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hasher.update(chunk);
  return hasher.digest("hex");
}

function run(words: readonly string[], cwd = root): void {
  const { success, stderr } = Bun.spawnSync([...words], { cwd, stdout: "ignore", stderr: "pipe" });
  if (!success) fail(`${words.join(" ")}: ${stderr.toString().trim()}`);
}

function fail(problem: string): never {
  throw new Error(problem);
}
