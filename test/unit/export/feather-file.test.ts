import { expect, test } from "bun:test";
import { computed } from "../../../server/export/bars/bar.ts";
import { createFeatherFile, loadArrow } from "../../../server/export/feather-file.ts";
import type { OutputFile } from "../../../server/export/table-file.ts";

const arrow = await loadArrow();
const full = new Error("ENOSPC");

/** An output that takes `room` writes, then fails as a full disk does. */
function smallDisk(room: number) {
  let writes = 0;
  let discards = 0;
  const file: OutputFile = {
    write() {
      if (++writes > room) throw full;
    },
    waits: () => false,
    taken: async () => {},
    commit: async () => {},
    bytes: () => 0,
    discard: () => void discards++,
  };
  return {
    table: createFeatherFile(arrow, file, [computed("n", "number")], { metadata: {} }),
    discarded: () => discards,
  };
}

test("a full disk ends a Feather file with the disk's error, at its end as in its middle, and the file is removed", async () => {
  for (const room of [0, 1, 2, 3]) {
    const end = smallDisk(room);
    end.table.add([1]);
    expect(await end.table.finish().catch((error) => error)).toBe(full);
    end.table.discard();
    expect(end.discarded()).toBe(1);

    const middle = smallDisk(room);
    const failure = await fill(middle.table).catch((error) => error);
    expect(failure).toBe(full);
    middle.table.discard();
    expect(middle.discarded()).toBe(1);
  }
});

/** Adds batches as an export does, until the file fails. */
async function fill(table: ReturnType<typeof smallDisk>["table"]) {
  for (let row = 0; row < 10 * 65_536; row++) {
    table.add([row]);
    if (row % 10_000 === 0) await Bun.sleep(0);
    if (table.waits()) await table.taken();
  }
}
