import { join } from "node:path";

/** Folder of the built page: web/dist in a checkout; a compiled executable (ops/build.ts) carries it beside its own modules. */
export const assetsDir: string = import.meta.dir.startsWith("/$bunfs/")
  ? join(import.meta.dir, "dist")
  : join(import.meta.dir, "../web/dist");
