import { createDraftFile } from "./draft-file.ts";
import { createStreamFile, type StreamDeps } from "./stream-file.ts";
import type { OutputFile } from "./table-file.ts";
import { targetOf } from "./target.ts";

/** Opens an output. A file is replaced in one step at the end; a FIFO, a device or standard output is written to at once. */
export function openOutput(path: string, deps: StreamDeps): OutputFile {
  const target = targetOf(path);
  return target.kind === "file" ? createDraftFile(target.path, target.keeps) : createStreamFile(target, deps);
}
