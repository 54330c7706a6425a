import { Unavailable } from "../../platform/errors.ts";
import type { Tables } from "../tables/tables.ts";
import type { Attachment } from "./attachment.ts";

/** Reads and writes the catalogue's tables and hides errors of its file. */
export type GuardedTables = {
  /** Writes to the mirror, and to the file if it is ready. */
  write(work: (tables: Tables) => void): void;
  /** Reads from the file if it is ready, else from the mirror. */
  read<T>(work: (tables: Tables) => T): T;
  /** Reads rows that only the file has. @throws Unavailable while the file cannot be read */
  readFile<T>(work: (tables: Tables) => T): T;
  /** Writes rows that only the file has; postponed while the file cannot be written. */
  writeFile(work: (tables: Tables) => void): void;
  /** Writes rows that only the file has, in one transaction and now; false if that failed. */
  writeNow(work: (tables: Tables) => void): boolean;
};

/** Creates the guarded tables of an attached file and its mirror. */
export function createGuardedTables({
  mirror,
  ready,
  open,
  leave,
  markStale: noteNews,
  postpone,
  away,
}: Attachment): GuardedTables {
  /** Runs work on the file's tables; false if it failed or the file is away. */
  function attempt(tables: Tables | null, work: (tables: Tables) => void): boolean {
    if (tables === null) return false;
    try {
      work(tables);
      return true;
    } catch (error) {
      leave(error);
      return false;
    }
  }

  return {
    write(work) {
      work(mirror.tables);
      if (!attempt(ready(), work)) noteNews();
    },
    read(work) {
      const tables = ready();
      if (tables === null) return work(mirror.tables);
      try {
        return work(tables);
      } catch (error) {
        leave(error);
        return work(mirror.tables);
      }
    },
    readFile(work) {
      const tables = ready() ?? open();
      try {
        if (tables !== null) return work(tables);
      } catch (error) {
        leave(error);
      }
      const why = `The catalogue is not available (${away()?.reason ?? "it is not open yet"}).`;
      throw new Unavailable(`${why} Recording continues. This view comes back when the catalogue does.`);
    },
    writeFile(work) {
      if (!attempt(ready(), work)) postpone(work);
    },
    writeNow(work) {
      const tables = ready();
      return attempt(tables, () => tables?.together(() => work(tables)));
    },
  };
}
