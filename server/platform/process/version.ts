import manifest from "../../../package.json" with { type: "json" };

/** Facts about this build. */
export type Build = {
  /** SemVer; `0.1.0+g1a2b3c4` between releases. */
  readonly version: string;
  /** The commit, or "source" if the program runs from a checkout. */
  readonly commit: string;
  /** Date of the commit, `2026-11-30`; today if the program runs from a checkout. */
  readonly date: string;
  readonly bun: string;
  /** Compilation target: `linux-x64`, `linux-x64-musl`. From a checkout: this machine. */
  readonly target: string;
};

/** Defined by ops/build.ts. */
declare const RT_DATA_BUILD: Pick<Build, "version" | "commit" | "date" | "target"> | undefined;

/** Facts about this build. */
export const build: Build = {
  ...(typeof RT_DATA_BUILD === "undefined"
    ? {
        version: manifest.version,
        commit: "source",
        date: new Date().toISOString().slice(0, 10),
        target: `${process.platform}-${process.arch}`,
      }
    : RT_DATA_BUILD),
  bun: process.versions.bun ?? "",
};

/** The version of this program. */
export const version: string = build.version;
