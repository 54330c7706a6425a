/**
 * `bun ops/release/push-image.ts [--insecure] NAME[:TAG]…`: pushes the images of dist/release to a registry under one name for both
 * machines, by skopeo. `--insecure` allows a registry without TLS, such as one on this machine.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ options: { insecure: { type: "boolean" } }, allowPositionals: true });
if (positionals.length === 0) throw new Error("give the name of the image in the registry: ghcr.io/me/rt-data:1.2.3");
const release = join(import.meta.dir, "../../dist/release");
const images = readdirSync(release)
  .filter((name) => /^rt-data-image-\w+\.tar$/.test(name))
  .sort();
if (images.length === 0) throw new Error(`there is no image in ${release}: bun run release`);
const folder = mkdtempSync(join(tmpdir(), "rt-data-image-"));
try {
  const manifests = images.flatMap((image) => {
    run("tar", "--extract", "--file", join(release, image), "--directory", folder);
    const { manifests } = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as { manifests: object[] };
    return manifests.map((manifest) => ({ ...manifest, annotations: undefined }));
  });
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
  const digest = new Bun.CryptoHasher("sha256").update(index).digest("hex");
  const blob = join(folder, "blobs/sha256", digest);
  writeFileSync(blob, index);
  const annotations = { "org.opencontainers.image.ref.name": "release" };
  const nested = { mediaType, digest: `sha256:${digest}`, size: statSync(blob).size, annotations };
  writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, mediaType, manifests: [nested] }));
  for (const name of positionals) {
    const tls = values.insecure ? ["--dest-tls-verify=false"] : [];
    run("skopeo", "copy", "--all", "--preserve-digests", ...tls, `oci:${folder}:release`, `docker://${name}`);
    console.log(`${name}: sha256:${digest}, ${images.length} machines`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(...words: string[]): void {
  const { success, stderr } = Bun.spawnSync(words, { stdout: "ignore", stderr: "pipe" });
  if (!success) throw new Error(`${words.join(" ")}: ${stderr.toString().trim()}`);
}
