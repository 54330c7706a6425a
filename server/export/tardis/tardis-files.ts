import { join } from "node:path";
import { createCompressedFile } from "../compressed-file.ts";
import { createDraftFile } from "../draft-file.ts";
import type { OutputFile } from "../table-file.ts";
import { type TardisType, tardisFileName, tardisHeaders } from "./tardis-types.ts";

export type TardisFile = {
  readonly type: TardisType;
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
};

/** The files of a symbol's day, a file a type. */
export type TardisFiles = {
  /** Adds a row without its newline. */
  add(type: TardisType, row: string): void;
  /** Completes all files and makes them visible. */
  finish(): Promise<readonly TardisFile[]>;
  discard(): void;
};

const writeAtOnce = 256 * 1024;

/** Creates the files in a folder, compressed by gzip. */
export function createTardisFiles(
  folder: string,
  { types, date, symbol }: { readonly types: readonly TardisType[]; readonly date: string; readonly symbol: string },
): TardisFiles {
  const files = new Map<TardisType, ReturnType<typeof createRows> & { readonly path: string }>();

  function discard(): void {
    for (const { file } of files.values()) file.discard();
  }

  try {
    for (const type of types) {
      const path = join(folder, tardisFileName(type, date, symbol));
      const output = createCompressedFile(createDraftFile(path), "gz");
      files.set(type, { ...createRows(output, tardisHeaders[type]), path });
    }
  } catch (error) {
    discard();
    throw error;
  }
  return {
    add: (type, row) => files.get(type)?.add(row),
    async finish() {
      for (const rows of files.values()) rows.flush();
      const written: TardisFile[] = [];
      for (const [type, { path, file, rows }] of files) {
        await file.commit();
        written.push({ type, path, rows: rows(), bytes: file.bytes() });
      }
      return written;
    },
    discard,
  };
}

function createRows(file: OutputFile, header: string) {
  let text = `${header}\n`;
  let rows = 0;

  function flush(): void {
    file.write(Buffer.from(text));
    text = "";
  }

  return {
    file,
    add(row: string): void {
      text += `${row}\n`;
      rows++;
      if (text.length >= writeAtOnce) flush();
    },
    flush,
    rows: () => rows,
  };
}
