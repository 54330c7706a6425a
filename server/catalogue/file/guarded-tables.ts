import { Unavailable } from "../../platform/errors.ts";
import type { Tables } from "../tables/tables.ts";
import type { Attachment } from "./attachment.ts";

/** Reads and writes that never meet with the file's trouble. */
export type GuardedTables = {
  /** Goes to the mirror, and to the file when it is there. */
  write(work: (tables: Tables) => void): void;
  read<T>(work: (tables: Tables) => T): T;
  /** Of what only the file has. Throws `Unavailable` while it cannot be read. */
  readFile<T>(work: (tables: Tables) => T): T;
  /** Of what only the file has; made up for later while it cannot be written. */
  writeFile(work: (tables: Tables) => void): void;
  /** The same, all of it or nothing, and not later: false if it could not be done. */
  writeNow(work: (tables: Tables) => void): boolean;
};

/** The tables of an attached file and of its mirror. */
export function createGuardedTables({
  mirror,
  ready,
  open,
  leave,
  noteNews,
  postpone,
  away,
}: Attachment): GuardedTables {
  /** False if it failed, or the file is away. */
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
      throw new Unavailable(`${why} Recording goes on, and this comes back by itself.`);
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
