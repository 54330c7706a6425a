import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Architecture } from "./image.ts";
import type { TarEntry } from "./tar.ts";

/** A Debian package whose bytes are known. `pool` is its folder in the archive; its versions stay in Debian's snapshots for ever. */
type Pin = { name: string; version: string; architecture: string; pool: string; sha256: string };

const glibc = { name: "libc6", version: "2.36-9+deb12u14", pool: "pool/main/g/glibc" };
const glibcPins: Readonly<Record<Architecture, Pin>> = {
  amd64: {
    ...glibc,
    architecture: "amd64",
    sha256: "ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf",
  },
  arm64: {
    ...glibc,
    architecture: "arm64",
    sha256: "01f4330719fd4f65580e16ea5a0527f372fca750e8f588d26deaf09f2d3b1cf4",
  },
};
const certificates: Pin = {
  name: "ca-certificates",
  version: "20250419~deb12u2",
  architecture: "all",
  pool: "pool/main/c/ca-certificates",
  sha256: "b9f76b5271a7ac373fd5e7e1b5b826a71ddd702b42a0d104955ecb1acfffc94b",
};

const snapshot = "https://snapshot.debian.org/archive/debian/20261101T000000Z";

/** Where programs look for the dynamic linker, and the folder of the libraries in the package. */
const linkers: Readonly<Record<Architecture, { path: string; folder: string }>> = {
  amd64: { path: "lib64/ld-linux-x86-64.so.2", folder: "lib/x86_64-linux-gnu" },
  arm64: { path: "lib/ld-linux-aarch64.so.1", folder: "lib/aarch64-linux-gnu" },
};

/** What the executable is linked with, and what libc loads to resolve names. */
const libraries = ["libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "libresolv.so.2", "libnss_dns.so.2"];

/**
 * Returns libc, certificates and their copyright from packages of Debian 12, fetched once into `cache`.
 * @throws if a package can be had neither from apt nor from Debian's snapshots, or is another than the pinned one
 */
export async function baseFiles(architecture: Architecture, cache: string): Promise<readonly TarEntry[]> {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-base-"));
  try {
    for (const pin of [glibcPins[architecture], certificates])
      run(["dpkg-deb", "--extract", await obtain(pin, cache), folder]);
    const linker = linkers[architecture];
    const entry = (path: string, source = path, mode = 0o644): TarEntry => {
      return { path, mode, content: readFileSync(join(folder, source)) };
    };
    return [
      entry(linker.path, join(linker.folder, linker.path.replace(/.*\//, "")), 0o755),
      ...libraries.map((name) => entry(`${linker.folder}/${name}`)),
      { path: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: bundle(folder) },
      ...["libc6", "ca-certificates"].map((name) => entry(`usr/share/doc/${name}/copyright`)),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns all certificates as one text, as Debian's update-ca-certificates writes it. */
function bundle(folder: string): string {
  const source = join(folder, "usr/share/ca-certificates/mozilla");
  return readdirSync(source)
    .sort()
    .map((name) => `${readFileSync(join(source, name), "utf8").trim()}\n`)
    .join("");
}

/** Returns the path of a package in the cache. */
async function obtain(pin: Pin, cache: string): Promise<string> {
  const path = join(cache, `${pin.sha256}.deb`);
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  const bytes = fromApt(pin, cache) ?? (await fromSnapshot(pin));
  const sum = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  if (sum !== pin.sha256) throw new Error(`${pin.name} ${pin.version} has SHA-256 ${sum}, not ${pin.sha256}`);
  await Bun.write(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
  return path;
}

/** Asks apt, with package lists of its own that know both architectures; null if it does not have this version. */
function fromApt({ name, version, architecture }: Pin, cache: string): Uint8Array | null {
  if (Bun.which("apt-get") === null) return null;
  const lists = join(cache, "lists");
  const folder = mkdtempSync(join(cache, "apt-"));
  const options = [
    `Dir::State::Lists=${lists}`,
    "APT::Architectures::=amd64",
    "APT::Architectures::=arm64",
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
  ].flatMap((option) => ["-o", option]);
  const apt = (...words: string[]) =>
    Bun.spawnSync(["apt-get", "--quiet", ...options, ...words], { cwd: folder, stdout: "ignore", stderr: "ignore" });
  try {
    if (!existsSync(lists)) {
      mkdirSync(join(lists, "partial"), { recursive: true });
      apt("update");
    }
    apt("download", `${name}${architecture === "all" ? "" : `:${architecture}`}=${version}`);
    const [file] = readdirSync(folder);
    return file === undefined ? null : readFileSync(join(folder, file));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fromSnapshot({ name, version, architecture, pool }: Pin): Promise<Uint8Array> {
  const url = `${snapshot}/${pool}/${name}_${version}_${architecture}.deb`;
  const response = await fetch(url).catch((error) => {
    throw new Error(`apt does not have ${name} ${version}, and ${url} cannot be fetched: ${error}`);
  });
  if (!response.ok) throw new Error(`apt does not have ${name} ${version}, and ${url} says ${response.status}`);
  return response.bytes();
}

function run(words: readonly string[]): void {
  const { success, stderr } = Bun.spawnSync([...words], { stderr: "pipe" });
  if (!success) throw new Error(`${words.join(" ")}: ${stderr.toString().trim()}`);
}
