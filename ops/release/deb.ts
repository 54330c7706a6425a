import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withFolders } from "./image.ts";
import { type TarEntry, tarOf } from "./tar.ts";
import type { SourceVersion } from "./version.ts";

const folder = join(import.meta.dir, "../debian");

/** What the package holds besides the executable: texts that the program itself prints, and those of the repository. */
export type DebTexts = {
  readonly unit: string;
  readonly config: string;
  readonly man: string;
  readonly completions: Readonly<Record<"bash" | "zsh" | "fish", string>>;
  /** ops/install.sh, which has the command `rt-data` of an installed machine. */
  readonly install: string;
  readonly changelog: string;
  readonly license: string;
  readonly thirdParty: string;
};

export type DebOptions = {
  readonly architecture: "amd64" | "arm64";
  readonly source: SourceVersion;
  /** `Name <address>` */
  readonly maintainer: string;
  /** gzip's level. */
  readonly level?: 1 | 6;
};

/**
 * Returns a Debian package (deb(5)): an ar of the version, the control files and the files, which dpkg-deb would make too, but with
 * bytes that depend on its version and that of xz. gzip, which every dpkg reads.
 */
export function debOf(executable: Uint8Array, texts: DebTexts, options: DebOptions): Uint8Array {
  const { architecture, source, maintainer, level = 6 } = options;
  const files = [{ path: "usr/lib/rt-data/rt-data", mode: 0o755, content: executable }, ...filesOf(texts, options)];
  const sums = files.map(({ path, content }) => `${md5(content)}  ${path}\n`);
  const sizes = files.map(({ content }) => Math.ceil(Buffer.byteLength(content) / 1024));
  const script = (name: string) => ({
    path: `./${name}`,
    mode: 0o755,
    content: readFileSync(join(folder, `${name}.sh`), "utf8"),
  });
  const control = [
    text("./conffiles", "/etc/rt-data/rt-data.toml\n"),
    text(
      "./control",
      controlOf({
        version: debVersion(source.version),
        architecture,
        maintainer,
        kib: sizes.reduce((a, b) => a + b, 0),
      }),
    ),
    text("./md5sums", sums.join("")),
    ...["preinst", "postinst", "prerm", "postrm"].map(script),
  ];
  const data = withFolders(files).map((entry) => ({ ...entry, path: `./${entry.path}` }));
  const at = source.committedAt;
  const packed = (entries: readonly TarEntry[]) =>
    Bun.gzipSync(tarOf([{ path: ".", mode: 0o755 }, ...entries], at), { level, library: "libdeflate" });
  return arOf(
    [
      ["debian-binary", Buffer.from("2.0\n")],
      ["control.tar.gz", packed(control)],
      ["data.tar.gz", packed(data)],
    ],
    at,
  );
}

/** Returns the package's version for a version of the program: `1.0.0-rc.1` comes before `1.0.0`. */
export function debVersion(version: string): string {
  return `${version.replace("-", "~")}-1`;
}

function controlOf(values: { version: string; architecture: string; maintainer: string; kib: number }): string {
  const { version, architecture, maintainer, kib } = values;
  return [
    "Package: rt-data",
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${kib}`,
    "Depends: libc6 (>= 2.17), init-system-helpers (>= 1.54~), passwd",
    "Recommends: ca-certificates, chrony | time-daemon",
    "Section: net",
    "Priority: optional",
    "Description: recorder of Binance market data that proves its completeness",
    " RT-Data records order books and trades of the Binance spot market around the",
    " clock, writes down every gap with its cause, and makes one archive with a",
    " manifest of each day. It has a dashboard, metrics and a Telegram bot.",
    " .",
    " An upgrade of this package replaces the running recorder without a gap.",
    "",
  ].join("\n");
}

type Content = { readonly path: string; readonly mode: number; readonly content: Uint8Array | string };

function filesOf(texts: DebTexts, { source, maintainer }: DebOptions): readonly Content[] {
  const { completions } = texts;
  const date = new Date(source.committedAt * 1000);
  const day = date.toLocaleDateString("en-US", { timeZone: "UTC", year: "numeric", month: "long", day: "numeric" });
  const doc = "usr/share/doc/rt-data";
  return [
    { path: "usr/bin/rt-data", mode: 0o755, content: wrapperOf(texts.install) },
    text("usr/lib/systemd/system/rt-data.service", texts.unit),
    text("etc/rt-data/rt-data.toml", texts.config),
    zipped("usr/share/man/man1/rt-data.1", texts.man.replace(/^\.Dd .*$/m, `.Dd ${day}`)),
    text("usr/share/bash-completion/completions/rt-data", completions.bash),
    text("usr/share/zsh/vendor-completions/_rt-data", completions.zsh),
    text("usr/share/fish/vendor_completions.d/rt-data.fish", completions.fish),
    text(`${doc}/copyright`, copyrightOf(texts.license)),
    zipped(`${doc}/THIRD-PARTY-LICENSES.txt`, texts.thirdParty),
    zipped(`${doc}/changelog`, texts.changelog),
    zipped(`${doc}/changelog.Debian`, debianChangelog(debVersion(source.version), maintainer, date)),
    text("usr/share/lintian/overrides/rt-data", readFileSync(join(folder, "lintian-overrides"), "utf8")),
  ];
}

/** Returns the command that gives the executable the service's settings, for the paths of the package. */
function wrapperOf(install: string): string {
  const body = /^ {2}cat <<'END'\n(.*?)^END$/ms.exec(install)?.[1];
  if (body === undefined) throw new Error("ops/install.sh no longer has the text of the command rt-data");
  return [
    "#!/bin/sh",
    "# rt-data by hand: with the settings of the service and, if they may be read, its secrets. No file is run as shell.",
    "# dpkg sets DPKG_ROOT while it works on another root.",
    `etc="\${DPKG_ROOT:-}/etc/rt-data"`,
    `program="\${DPKG_ROOT:-}/usr/lib/rt-data/rt-data"`,
    body,
  ].join("\n");
}

function copyrightOf(license: string): string {
  const [, notice = "", terms = ""] = /^MIT License\n\nCopyright \(c\) ([^\n]+)\n\n(.*)$/s.exec(license) ?? [];
  return [
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
    "Upstream-Name: rt-data",
    "Comment: The executable contains works of others: THIRD-PARTY-LICENSES.txt.gz in this folder.",
    "",
    "Files: *",
    `Copyright: ${notice}`,
    "License: Expat",
    ...terms
      .trimEnd()
      .split("\n")
      .map((line) => (line === "" ? " ." : ` ${line}`)),
    "",
  ].join("\n");
}

function debianChangelog(version: string, maintainer: string, date: Date): string {
  const stamp = date.toUTCString().replace("GMT", "+0000");
  return `rt-data (${version}) unstable; urgency=medium\n\n  * Release: see changelog.gz in this folder.\n\n -- ${maintainer}  ${stamp}\n`;
}

function arOf(members: readonly (readonly [name: string, content: Uint8Array])[], atS: number): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from("!<arch>\n")];
  for (const [name, content] of members) {
    const fields = [
      name.padEnd(16),
      String(atS).padEnd(12),
      "0     ",
      "0     ",
      "100644  ",
      String(content.length).padEnd(10),
    ];
    parts.push(Buffer.from(`${fields.join("")}\`\n`), content);
    if (content.length % 2 === 1) parts.push(Buffer.from("\n"));
  }
  return Buffer.concat(parts);
}

function text(path: string, content: string): Content {
  return { path, mode: 0o644, content };
}

function zipped(path: string, content: string): Content {
  return { path: `${path}.gz`, mode: 0o644, content: Bun.gzipSync(Buffer.from(content), { level: 9 }) };
}

function md5(content: Uint8Array | string): string {
  return new Bun.CryptoHasher("md5").update(content).digest("hex");
}
