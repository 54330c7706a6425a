import { type TarEntry, tarOf } from "./tar.ts";
import type { SourceVersion } from "./version.ts";

/** The machines for which there is an image, by the name that containers have for them, with the executable's target. */
export const imageTargets = { amd64: "linux-x64", arm64: "linux-arm64" } as const;

export type Architecture = keyof typeof imageTargets;

/** User and group of the process, which own no other file. */
const nonRoot = 65_532;

const seconds = 1_000_000_000;

type Blob = { readonly mediaType: string; readonly digest: string; readonly size: number };

/**
 * Returns a container image as a tar: an OCI image layout (image-spec 1.1), which skopeo, podman and containerd read, with the
 * `manifest.json` that `docker load` looks for. It holds the base files (libc, certificates) and the executable, each in a
 * layer of its own, so that an upgrade fetches the executable alone. The same input gives the same bytes.
 */
export function imageOf(
  executable: Uint8Array,
  base: readonly TarEntry[],
  { architecture, source }: { architecture: Architecture; source: SourceVersion },
): Uint8Array {
  const { version, committedAt } = source;
  const blobs = new Map<string, Uint8Array>();
  const add = (mediaType: string, content: Uint8Array | string): Blob => {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    const digest = sha256(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const diffs: string[] = [];
  const addLayer = (entries: readonly TarEntry[]) => {
    const tar = tarOf(withFolders(entries), committedAt);
    diffs.push(`sha256:${sha256(tar)}`);
    return add("application/vnd.oci.image.layer.v1.tar+gzip", Bun.gzipSync(tar, { level: 6, library: "libdeflate" }));
  };
  const layers = [
    addLayer([...base, ...ownFiles]),
    addLayer([{ path: "usr/bin/rt-data", mode: 0o755, content: executable }]),
  ];
  const config = add("application/vnd.oci.image.config.v1+json", JSON.stringify(configOf(architecture, source, diffs)));
  const manifestType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = add(
    manifestType,
    JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers, annotations: labelsOf(source) }),
  );
  const tag = tagOf(version);
  const annotations = {
    "org.opencontainers.image.ref.name": tag,
    "io.containerd.image.name": `docker.io/library/rt-data:${tag}`,
  };
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ ...manifest, platform: { architecture, os: "linux" }, annotations }],
  };
  const pathOf = ({ digest }: Blob) => `blobs/${digest.replace(":", "/")}`;
  const forDocker = [{ Config: pathOf(config), RepoTags: [`rt-data:${tag}`], Layers: layers.map(pathOf) }];
  return tarOf(
    [
      file("oci-layout", '{"imageLayoutVersion":"1.0.0"}'),
      file("index.json", JSON.stringify(index)),
      file("manifest.json", JSON.stringify(forDocker)),
      { path: "blobs", mode: 0o755 },
      { path: "blobs/sha256", mode: 0o755 },
      ...[...blobs].map(([digest, bytes]) => file(`blobs/sha256/${digest}`, bytes)),
    ],
    committedAt,
  );
}

/** Returns the tag of a version: a tag cannot hold a plus sign. */
export function tagOf(version: string): string {
  return version.replaceAll("+", "-");
}

/** The files of the image that are ours, besides the executable. */
const ownFiles: readonly TarEntry[] = [
  file("etc/passwd", `root:x:0:0:root:/:/sbin/nologin\nrt-data:x:${nonRoot}:${nonRoot}:rt-data:/data:/sbin/nologin\n`),
  file("etc/group", `root:x:0:\nrt-data:x:${nonRoot}:\n`),
  file("etc/nsswitch.conf", "hosts: files dns\n"),
  // A new volume takes mode and owner of this folder. The operator may choose any user id, so every id may write.
  { path: "data", mode: 0o777, uid: nonRoot, gid: nonRoot },
  { path: "tmp", mode: 0o1777 },
];

function configOf(architecture: Architecture, source: SourceVersion, diffs: readonly string[]): object {
  const created = timeOf(source);
  return {
    created,
    architecture,
    os: "linux",
    config: {
      User: `${nonRoot}:${nonRoot}`,
      Env: [
        "PATH=/usr/bin",
        "RT_DATA_RECORD_DATA_DIR=/data",
        "RT_DATA_HTTP_HOST=auto",
        "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
      ],
      Entrypoint: ["/usr/bin/rt-data"],
      Cmd: ["record"],
      WorkingDir: "/data",
      Volumes: { "/data": {} },
      ExposedPorts: { "8000/tcp": {} },
      StopSignal: "SIGTERM",
      Labels: labelsOf(source),
      // Docker's addition to the image spec. After a crash, torn files are repaired before the recorder is ready.
      Healthcheck: {
        Test: ["CMD", "/usr/bin/rt-data", "health"],
        Interval: 30 * seconds,
        Timeout: 10 * seconds,
        StartPeriod: 120 * seconds,
        Retries: 3,
      },
    },
    rootfs: { type: "layers", diff_ids: diffs },
    history: ["libc and certificates of Debian", "rt-data"].map((comment) => ({
      created,
      created_by: "ops/release/image.ts",
      comment,
    })),
  };
}

function labelsOf(source: SourceVersion): Readonly<Record<string, string>> {
  return {
    "org.opencontainers.image.title": "rt-data",
    "org.opencontainers.image.description":
      "Records Binance market data around the clock and proves that it is complete",
    "org.opencontainers.image.licenses": "MIT",
    "org.opencontainers.image.version": source.version,
    "org.opencontainers.image.revision": source.commit,
    "org.opencontainers.image.created": timeOf(source),
  };
}

function timeOf({ committedAt }: SourceVersion): string {
  return new Date(committedAt * 1000).toISOString();
}

/** Adds the folders of all entries, each before its content, in the order of their paths. */
export function withFolders(entries: readonly TarEntry[]): readonly TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const { path } of entries)
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1))
      all.set(path.slice(0, at), { path: path.slice(0, at), mode: 0o755 });
  for (const entry of entries) all.set(entry.path, entry);
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function file(path: string, content: Uint8Array | string): TarEntry {
  return { path, mode: 0o644, content };
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
